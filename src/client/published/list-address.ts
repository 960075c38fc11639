/** The result of parsing the address of a published list: its URL, or an error. */
export type ListAddress = { readonly url: URL } | { readonly message: string; readonly hint: string }

/** Returns true if a text is an address (RFC 3986, 3.1) and not the path of a file. */
export function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}

/** Parses the address of a published list: http or https, without a user name. */
export function readListAddress(text: string): ListAddress {
  if (!URL.canParse(text)) return { message: 'not an address', hint: 'such as https://gate.example.org/knocks.age' }
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { message: `cannot fetch by ${url.protocol.slice(0, -1)}`, hint: 'http, https, or the path of a file' }
  }
  if (url.username !== '' || url.password !== '') {
    return { message: 'a user name or password in the address', hint: 'the list is encrypted and needs none' }
  }
  return { url }
}
