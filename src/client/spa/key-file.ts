import type { RcSettings } from '../../peer/fwknop/rc-directives.ts'
import { readHmacKey, readHmacKeyBase64, readKey, readKeyBase64 } from '../../peer/fwknop/settings.ts'
import type { Reader } from '../../text/read.ts'
import { linesOf } from '../../text/lines.ts'
import { ClientError } from '../fault.ts'
import { readSecretFile } from './secret-file.ts'

/** The directives that `fwknop --key-gen` writes. */
const KEY_DIRECTIVES: ReadonlyMap<string, readonly ['key' | 'hmacKey', Reader<Uint8Array>]> = new Map([
  ['KEY', ['key', readKey]],
  ['KEY_BASE64', ['key', readKeyBase64]],
  ['HMAC_KEY', ['hmacKey', readHmacKey]],
  ['HMAC_KEY_BASE64', ['hmacKey', readHmacKeyBase64]],
])

/**
 * Reads keys from a file. Its lines are `KEY_BASE64: …` as printed by `fwknop --key-gen`, or `HOST: KEY` as for
 * fwknop's `-G`.
 *
 * @param kind the kind of the key in a `HOST: KEY` line
 * @throws ClientError if there is no key for the host
 */
export function keysFromFile(path: string, kind: 'key' | 'hmacKey', host: string): RcSettings {
  const text = readSecretFile(path)
  if (text === undefined) throw new ClientError(`${path}: there is no such file`)
  const settings: { key?: Uint8Array; hmacKey?: Uint8Array } = {}
  for (const { number, text: line, stray } of linesOf(text)) {
    if (stray !== undefined) throw new ClientError(`${path}:${number}: ${stray.message}`, stray.hint)
    const match = /^\s*([^\s:]+):?\s+(.*?)\s*$/.exec(line)
    const [, name = '', value = ''] = match ?? []
    if (name.startsWith('#')) continue
    const directive = KEY_DIRECTIVES.get(name)
    if (directive === undefined && name !== host) continue
    const [setting, read] = directive ?? [kind, kind === 'key' ? readKey : readHmacKey]
    const result = read(value)
    if ('message' in result) throw new ClientError(`${path}:${number}: ${result.message}`, result.hint)
    settings[setting] = result.value
  }
  if (Object.keys(settings).length === 0) {
    throw new ClientError(
      `${path}: no key for ${host} is in it`,
      'lines as `fwknop --key-gen` prints them: KEY_BASE64: …',
    )
  }
  return settings
}
