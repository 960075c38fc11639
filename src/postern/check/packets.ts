import type { Door } from '../../config/config.ts'
import { faultAt } from '../../text/fault.ts'
import type { Fault } from '../../text/fault.ts'
import type { FileFacts } from '../../lint/facts.ts'
import { KEY_FILE_MAX_BYTES, readKeyFile } from '../../spa/noise/key-text.ts'
import { readUsers } from '../../spa/noise/users.ts'
import { packetOf } from '../../config/secret.ts'
import { lookAtAccess } from '../../peer/named-files.ts'

/** Reads a file that a config names, at most `maxBytes` of it. */
export type Look = (path: string, maxBytes: number) => FileFacts

/** The largest file of users or stanzas that is read, in bytes. */
const FILE_MAX_BYTES = 8 * 1_048_576

/** Returns the faults of the files that name the senders of single packets. The faults show no part of a key. */
export function faultsOfSpa(doors: readonly Door[], keyFile: string, look: Look): readonly Fault[] {
  const faults: Fault[] = []
  const seen = new Set<string>()
  for (const { name, line, secret } of doors) {
    const packet = packetOf(secret)
    if (packet === undefined) continue
    const { protocol, path } = packet
    if (protocol === 'postern' && !seen.has(keyFile)) {
      seen.add(keyFile)
      faults.push(...faultsOfKey(keyFile, line, look))
    }
    if (protocol === 'knockknock' || seen.has(path)) continue
    seen.add(path)
    const { content, failure } = look(path, FILE_MAX_BYTES)
    if (content === undefined) {
      const hint = 'until the file exists the door cannot be opened'
      faults.push(faultAt('warning', line, 1, `door ${name}: ${path} ${failure ?? 'cannot be read'}`, hint))
      continue
    }
    const text = Buffer.from(content, 'latin1').toString('utf8')
    if (protocol === 'postern') {
      for (const fault of readUsers(text).faults) faults.push({ ...fault, file: path })
      continue
    }
    for (const fault of lookAtAccess(secret)?.faults ?? []) faults.push({ file: path, ...fault })
  }
  return faults
}

function faultsOfKey(path: string, line: number, look: Look): readonly Fault[] {
  const { content, failure } = look(path, KEY_FILE_MAX_BYTES)
  if (content === undefined) {
    const hint = 'postern keygen server makes it; until then no packet opens anything'
    return [faultAt('warning', line, 1, `${path} ${failure ?? 'cannot be read'}`, hint)]
  }
  const read = readKeyFile(content, 'postern-server-secret')
  return 'message' in read ? [faultAt('error', 1, 1, read.message, read.hint, path)] : []
}
