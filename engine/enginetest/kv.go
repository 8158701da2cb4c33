package enginetest

import (
	"fmt"

	"github.com/tlo-run/tlo/engine"
)

// write commits writes as the effects of a job.
func (k *kit) write(writes ...engine.Write) {
	k.Helper()
	k.submit(job("writer", task("writer"), queue("writer")))
	leased := k.leaseOf(engine.QueueSet{Names: []string{"writer"}}, 1, epoch)
	st := settlement(leased[0], engine.Outcome{Verdict: engine.VerdictSucceeded}, epoch)
	st.Effects.Writes = writes
	k.ok(k.settle(st).Err)
	k.remove("writer")
}

var kvTests = []test{
	{"keys in order, by prefix, up to a limit", func(k *kit) {
		var writes []engine.Write
		for _, key := range []string{"b", "a/2", "a", "a/10", "a/", "\xff", "", "aa", "\xff\xff"} {
			writes = append(writes, engine.Write{Space: "s", Key: key, Value: []byte(key)})
		}
		k.write(append(writes, engine.Write{Space: "s2", Key: "a/x"}, engine.Write{Space: "", Key: "sa/y"})...)
		for _, c := range []struct {
			space, prefix string
			limit         int
			want          []string
		}{
			{"s", "", 99, []string{"", "a", "a/", "a/10", "a/2", "aa", "b", "\xff", "\xff\xff"}},
			{"s", "a", 99, []string{"a", "a/", "a/10", "a/2", "aa"}},
			{"s", "a/", 2, []string{"a/", "a/10"}},
			{"s", "\xff", 9, []string{"\xff", "\xff\xff"}},
			{"s", "zz", 9, nil},
			{"s", "", 0, nil},
			{"s2", "a", 9, []string{"a/x"}},
			{"", "", 9, []string{"sa/y"}},
			{"none", "", 9, nil},
		} {
			got, err := k.List(k.ctx, c.space, c.prefix, c.limit)
			k.ok(err)
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				k.Errorf("keys of %q with prefix %q are %q, want %q", c.space, c.prefix, got, c.want)
			}
		}
	}},
	{"spaces are apart", func(k *kit) {
		k.write(engine.Write{Space: "a", Key: "bc", Value: []byte("1")}, engine.Write{Space: "ab", Key: "c", Value: []byte("2")},
			engine.Write{Space: "a\x00b", Key: "c", Value: []byte("3")}, engine.Write{Space: "a", Key: "\x00bc", Value: []byte("4")})
		k.value("a", "bc", "1")
		k.value("ab", "c", "2")
		k.value("a\x00b", "c", "3")
		k.value("a", "\x00bc", "4")
		k.write(engine.Write{Space: "ab", Key: "c", Delete: true})
		k.absent("ab", "c")
		k.value("a", "bc", "1")
	}},
	{"any bytes", func(k *kit) {
		big := make([]byte, 100_000)
		big[0], big[len(big)-1] = 1, 2
		k.write(engine.Write{Space: "s", Key: "big", Value: big}, engine.Write{Space: "s", Key: "none", Value: nil})
		k.value("s", "big", string(big))
		k.value("s", "none", "")
	}},
}
