/** Returns the fragment of the address, and removes it from the address bar and the history; `undefined`: none. */
export function takeFragment(): string | undefined {
  const text = location.hash.slice(1)
  if (text === '') return undefined
  history.replaceState(null, '', location.pathname + location.search)
  return text
}
