// tlo.hpp: tlo.h for C++17 and later. Text is std::string_view, fields of a log
// line are a braced list; everything else is as in tlo.h. Build with
// -fno-exceptions.
//
//	TLO_TASK(hello) {
//		std::string name = tlo::input();
//		tlo::info("greeting", {{"name", name}, {"attempt", tlo::attempt()}});
//		return tlo::ok("Hello, " + name);
//	}
#ifndef TLO_HPP
#define TLO_HPP

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "tlo.h"

namespace tlo {

/// The whole input.
inline std::string input()
{
	std::string s(tlo_input_len(), '\0');
	s.resize(tlo_input_at(s.data(), s.size(), 0));
	return s;
}

/// Appends to the output; false where that is over the task's limit.
inline bool output(std::string_view s) { return tlo_output(s.data(), s.size()); }

/// Use as: return tlo::ok(output);
inline int ok(std::string_view s = {})
{
	if (!s.empty())
		output(s);
	return TLO_OK;
}

/// Why the attempt failed; the retry policy decides what follows.
inline int fail(const std::string &why) { return tlo_fail(why.c_str()); }
/// Why the job failed for good.
inline int permanent(const std::string &why) { return tlo_permanent(why.c_str()); }
/// Again after that many milliseconds, which is no failure.
inline int snooze(int64_t ms, const std::string &why) { return tlo_snooze(ms, why.c_str()); }

/// A field of a log line: its name, a literal, and a text, number or bool.
struct field : tlo_field {
	field(const char *key, std::string_view s) : tlo_field(tlo_strn(key, s.data(), s.size())) {}
	field(const char *key, const std::string &s) : field(key, std::string_view(s)) {}
	field(const char *key, const char *s) : field(key, std::string_view(s)) {}
	template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
	field(const char *key, T n) : tlo_field(number(key, n)) {}

private:
	template <class T> static tlo_field number(const char *key, T n)
	{
		if constexpr (std::is_same_v<T, bool>)
			return tlo_bool(key, n);
		else if constexpr (std::is_floating_point_v<T>)
			return tlo_float(key, n);
		else
			return tlo_int(key, static_cast<int64_t>(n));
	}
};

/// Logs a line with at most 31 fields.
inline void log(tlo_level level, std::string_view msg, std::initializer_list<field> fields = {})
{
	tlo_field list[32];
	size_t n = 0;
	for (const field &f : fields)
		if (n < 31)
			list[n++] = f;
	list[n] = tlo_field_(nullptr, 0);
	tlo_log_fields(level, msg.data(), msg.size(), list);
}

inline void trace(std::string_view msg, std::initializer_list<field> f = {}) { log(TLO_TRACE, msg, f); }
inline void debug(std::string_view msg, std::initializer_list<field> f = {}) { log(TLO_DEBUG, msg, f); }
inline void info(std::string_view msg, std::initializer_list<field> f = {}) { log(TLO_INFO, msg, f); }
inline void warn(std::string_view msg, std::initializer_list<field> f = {}) { log(TLO_WARN, msg, f); }
inline void error(std::string_view msg, std::initializer_list<field> f = {}) { log(TLO_ERROR, msg, f); }

/// How far, 0 to 1, and what is being done.
inline void progress(double fraction, std::string_view msg = {})
{
	tlo_host_progress_msg(fraction, msg.data(), static_cast<uint32_t>(msg.size()));
}

inline bool cancelled() { return tlo_cancelled(); }

/// Milliseconds until the host ends the attempt, if it will.
inline std::optional<int64_t> deadline_ms()
{
	int64_t ms = tlo_deadline_ms();
	return ms < 0 ? std::nullopt : std::optional(ms);
}

namespace detail {
inline std::optional<std::string> get(tlo_lookup_ *from, std::string_view key)
{
	std::string s(64, '\0');
	for (;;) {
		int32_t n = from(key.data(), static_cast<uint32_t>(key.size()), s.data(), static_cast<uint32_t>(s.size()));
		if (n < 0)
			return std::nullopt;
		bool whole = static_cast<size_t>(n) <= s.size();
		s.resize(static_cast<size_t>(n));
		if (whole)
			return s;
	}
}
} // namespace detail

/// A value of the task's config map.
inline std::optional<std::string> config(std::string_view key) { return detail::get(tlo_host_config, key); }
/// A fact about the job; see tlo_meta for the names. Empty if there is none.
inline std::string meta(std::string_view key) { return detail::get(tlo_host_meta, key).value_or(""); }
inline int attempt() { return tlo_attempt(); }
inline uint64_t random() { return tlo_random_u64(); }

} // namespace tlo

#endif
