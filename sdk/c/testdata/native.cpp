// Unit tests of the C++ layer, for this machine. Exits with 0 if all is well.
#undef NDEBUG
#include "../tlo.hpp"

#include <cassert>

#include "../tlo_test.h"

TLO_TASKS({"abi":1,"tasks":[{"name":"hello"}]})

TLO_TASK(hello)
{
	std::string name = tlo::input();
	tlo::info("greeting", {{"name", name}, {"attempt", tlo::attempt()}, {"ratio", 0.5}, {"ok", true}, {"raw", "a"}});
	tlo::debug("no fields");
	tlo::progress(0.5, "half");
	if (name.empty())
		return tlo::permanent("input: no name");
	if (tlo::cancelled())
		return tlo::snooze(1500, "cancelled");
	assert(!tlo::deadline_ms());
	assert(tlo::config("long") == std::string(100, 'x') && !tlo::config("none"));
	assert(tlo::meta("queue") == "default" && tlo::meta("tick").empty());
	return tlo::ok("Hello, " + name);
}

TLO_TASK(broken) { return tlo::fail("broken"); }

int main()
{
	std::string x(100, 'x');
	const char *config[] = {"long", x.c_str(), nullptr};
	tlo_test t = {};
	t.config = config;
	t.input = "Ada";
	tlo_test_run(&t, tlo_run_hello);
	assert(t.code == TLO_OK && std::string_view(t.output) == "Hello, Ada");
	assert(std::string_view(t.log) ==
	       "info greeting {\"name\":\"Ada\",\"attempt\":1,\"ratio\":0.5,\"ok\":true,\"raw\":\"a\"}\ndebug no fields\n");
	t.cancel_at_poll = 1;
	tlo_test_run(&t, tlo_run_hello);
	assert(t.code == TLO_AGAIN && t.snooze_ms == 1500);
	t.input = "";
	tlo_test_run(&t, tlo_run_hello);
	assert(t.code == TLO_PERMANENT && t.kind == 1);
	tlo_test_run(&t, tlo_run_broken);
	assert(t.code == TLO_FAILED && std::string_view(t.why) == "broken");
	tlo_test_free(&t);
}
