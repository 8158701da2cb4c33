package engine_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// A Go program runs its own functions as tasks: it registers them, runs an
// engine on a store, submits jobs and waits for what comes of them.
func Example() {
	greet := engine.TaskDef{
		Name: "greet",
		Run: func(ctx context.Context, task engine.TaskDef, job engine.Job, report engine.Reporter) (engine.Result, error) {
			if len(job.Input) == 0 {
				return engine.Result{}, engine.Permanent(fmt.Errorf("nobody to greet"))
			}
			report.Log(engine.Info, "greeting", map[string]string{"name": string(job.Input)})
			return engine.Result{Output: []byte("hello, " + strings.ToUpper(string(job.Input)))}, nil
		},
	}
	registry, err := engine.NewRegistry(greet)
	if err != nil {
		log.Fatal(err)
	}
	e, err := engine.New(mem.New(), registry, nil, engine.Config{Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()

	jobs, err := e.Submit(ctx,
		engine.Submission{Task: "greet", Input: []byte("ada")},
		engine.Submission{Task: "greet"},
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, job := range jobs {
		job, err := e.Wait(ctx, job.ID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s%s\n", job.State, job.Output, job.Error)
	}

	stop() // running attempts end first
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output:
	// succeeded: hello, ADA
	// failed: nobody to greet
}
