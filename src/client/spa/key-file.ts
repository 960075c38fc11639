import type { RcSettings } from '../../peer/fwknop/rc-directives.ts'
import { RC_DIRECTIVES } from '../../peer/fwknop/rc-directives.ts'
import { readHmacKey, readKey } from '../../peer/fwknop/settings.ts'
import { linesOf } from '../../text/lines.ts'
import { ClientError } from '../fault.ts'
import { readSecretFile } from './secret-file.ts'

/** The directives that `fwknop --key-gen` writes. */
const KEY_DIRECTIVES = new Set(['KEY', 'KEY_BASE64', 'HMAC_KEY', 'HMAC_KEY_BASE64'])

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
  const settings: RcSettings = {}
  for (const { number, text: line, stray } of linesOf(text)) {
    if (stray !== undefined) throw new ClientError(`${path}:${number}: ${stray.message}`, stray.hint)
    const match = /^\s*([^\s:]+):?\s+(.*?)\s*$/.exec(line)
    const [, name = '', value = ''] = match ?? []
    if (name.startsWith('#')) continue
    const directive = KEY_DIRECTIVES.has(name)
    if (!directive && name !== host) continue
    const read = kind === 'key' ? readKey(value) : readHmacKey(value)
    const result = directive
      ? RC_DIRECTIVES[name]!(value, settings)
      : 'fault' in read
        ? read
        : { value: { [kind]: read.value } }
    if ('fault' in result) throw new ClientError(`${path}:${number}: ${result.fault}`, result.hint)
    Object.assign(settings, result.value)
  }
  if (Object.keys(settings).length === 0) {
    throw new ClientError(
      `${path}: no key for ${host} is in it`,
      'lines as `fwknop --key-gen` prints them: KEY_BASE64: …',
    )
  }
  return settings
}
