package tlotest_test

import (
	"fmt"

	tlo "github.com/tlo-run/tlo/sdk/go"
	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

type In struct {
	Name string `json:"name"`
}

type Out struct {
	Greeting string `json:"greeting"`
}

func init() { tlo.Register("hello", hello) }

func hello(ctx *tlo.Context, in In) (Out, error) {
	if in.Name == "" {
		return Out{}, tlo.Permanent(fmt.Errorf("attempt %d: nobody to greet", ctx.Attempt()))
	}
	ctx.Log.Info("greeting", "name", in.Name)
	return Out{"Hello, " + in.Name}, ctx.Err()
}

func Example() {
	res := tlotest.Run(tlotest.Attempt{Task: "hello", Input: In{Name: "Ada"}})
	fmt.Printf("%s\n", res.Output)
	for _, line := range res.Logs {
		fmt.Println(line.Level, line.Message, line.Fields)
	}

	res = tlotest.Run(tlotest.Attempt{Task: "hello", Number: 3})
	fmt.Println(res.Err())
	// Output:
	// {"greeting":"Hello, Ada"}
	// INFO greeting map[name:Ada]
	// permanent: attempt 3: nobody to greet
}
