/** The longest line in UTF-16 units. Those of the log have 20,480 at most, each escaped as six in JSON, and its fields. */
export const LINE_MAX_CHARS = 262_144

/**
 * Calls a function with each line of a stream of bytes, without its end. Bytes that are not UTF-8 become U+FFFD. Memory is
 * bounded: of a line that is too long the function gets an empty text with `isCut`.
 */
export async function eachLine(
  stream: AsyncIterable<Uint8Array>,
  take: (line: string, isCut?: true) => void,
): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  let isLong = false
  const end = (line: string): void => {
    if (isLong) take('', true)
    else take(line.endsWith('\r') ? line.slice(0, -1) : line)
    isLong = false
  }
  for await (const bytes of stream) {
    const text = rest + decoder.decode(bytes, { stream: true })
    let from = 0
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      end(text.slice(from, at))
      from = at + 1
    }
    rest = text.slice(from)
    if (rest.length > LINE_MAX_CHARS || isLong) {
      isLong = true
      rest = ''
    }
  }
  if (rest !== '' || isLong) end(rest)
}
