/** Returns the fragment of the address, and removes it from the address bar and the history; `undefined`: none. */
export function takeFragment(): string | undefined {
  const text = location.hash.slice(1)
  if (text === '') return undefined
  history.replaceState(null, '', withoutFragment())
  return text
}

/** Returns the page's whole address. A path alone, such as `//ssh.html`, could be read as a host (RFC 3986, 4.2). */
export function withoutFragment(): string {
  return location.href.split('#', 1)[0]!
}
