// histogram: what a column of numbers looks like. See README.md.
import { Fields, Result, cancelled, config, fail, ok, permanent, progress, task, text, warn } from "../../../sdk/assemblyscript";

export { tlo_run } from "../../../sdk/assemblyscript";

task("histogram", histogram);

function histogram(): Result {
  let buckets: f64 = 10;
  const wanted = config("buckets");
  if (wanted !== null) {
    buckets = F64.parseFloat(wanted);
    if (!(buckets >= 1 && buckets <= 100) || Math.floor(buckets) != buckets) {
      return permanent("config: buckets is " + wanted + ": use 1 to 100");
    }
  }

  const lines = text().split("\n");
  const numbers: f64[] = [];
  let skipped = 0;
  for (let i = 0; i < lines.length; i++) {
    if (i % 4096 == 0) {
      if (cancelled()) return fail("cancelled at line " + (i + 1).toString());
      progress(<f64>i / <f64>lines.length);
    }
    const line = lines[i].trim();
    if (line.length == 0) continue;
    const n = parse(line);
    if (isFinite(n)) {
      numbers.push(n);
    } else if (skipped++ == 0) {
      warn("skipped: no number", new Fields().int("line", i + 1).str("text", line.substring(0, 100)));
    }
  }
  if (numbers.length == 0) return permanent("input: it has no numbers, one a line");

  numbers.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return ok(report(numbers, <i32>buckets, skipped));
}

/** NaN unless all of the text is a number: parseFloat takes 1x for 1. */
function parse(s: string): f64 {
  for (let i = 0; i < s.length; i++) {
    if ("0123456789+-.eE".indexOf(s.charAt(i)) < 0) return NaN;
  }
  return F64.parseFloat(s);
}

/** The least number that at least that share of them does not exceed. */
function percentile(sorted: f64[], share: f64): f64 {
  return sorted[<i32>Math.max(Math.ceil(share * <f64>sorted.length), 1) - 1];
}

function report(sorted: f64[], buckets: i32, skipped: i32): string {
  const count = sorted.length;
  const least = sorted[0];
  const most = sorted[count - 1];
  let mean: f64 = 0;
  for (let i = 0; i < count; i++) mean += (sorted[i] - mean) / <f64>(i + 1);

  if (least == most) buckets = 1;
  const width = most / <f64>buckets - least / <f64>buckets; // the difference may be infinite
  const counts = new Array<i32>(buckets);
  for (let i = 0; i < count; i++) {
    const at = width > 0 ? <i32>Math.min((sorted[i] - least) / width, <f64>(buckets - 1)) : 0;
    counts[at]++;
  }
  const rows: string[] = [];
  for (let i = 0; i < buckets; i++) {
    rows.push(new Fields().float("from", least + <f64>i * width).int("count", counts[i]).toString());
  }
  return new Fields()
    .int("count", count)
    .int("skipped", skipped)
    .float("min", least)
    .float("mean", mean)
    .float("p50", percentile(sorted, 0.5))
    .float("p90", percentile(sorted, 0.9))
    .float("p99", percentile(sorted, 0.99))
    .float("max", most)
    .raw("buckets", "[" + rows.join(",") + "]")
    .toString();
}
