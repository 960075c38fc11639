import { EtcdUnavailable } from './unavailable.ts'

/** The maximum length of a line of a watch in bytes. An event with a value of etcd's 1.5 MiB fits, as base64. */
export const WATCH_LINE_MAX_BYTES = 4 * 1024 * 1024
const LINE_FEED = 0x0a

/** Yields the lines of a stream without their ends. Throws EtcdUnavailable at one that is too long. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      parts.push(chunk.subarray(from, end))
      if (bytes + end - from > WATCH_LINE_MAX_BYTES) throw tooLong()
      yield Buffer.concat(parts).toString()
      parts = []
      bytes = 0
      from = end + 1
    }
    parts.push(chunk.subarray(from))
    bytes += chunk.length - from
    if (bytes > WATCH_LINE_MAX_BYTES) throw tooLong()
  }
}

function tooLong(): EtcdUnavailable {
  return new EtcdUnavailable('size', `a line of more than ${WATCH_LINE_MAX_BYTES} bytes`)
}
