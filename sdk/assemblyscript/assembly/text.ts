/** The text as UTF-8. Half a surrogate pair becomes U+FFFD. */
export function utf8(s: string): ArrayBuffer {
  return String.UTF8.encode(s, false, String.UTF8.ErrorMode.REPLACE);
}
