import { join } from 'node:path'
import type { Config, Door } from '../../config/config.ts'
import { oneTimeOf } from '../../config/secret.ts'
import { formatSequence } from '../../config/sequence.ts'
import { listName } from '../../secret/generated-door.ts'
import { LIST } from '../../file/policy.ts'
import { readPrivateFile } from '../../file/private-file.ts'
import { asDaemon, daemonAccount } from '../../peer/key-files.ts'
import { listFolder, statePath } from '../../daemon/state-path.ts'
import { parseOneTime } from '../../config/one-time.ts'
import type { OneTimeLine } from '../../config/one-time.ts'
import { ONE_TIME_FILE_MAX_BYTES } from '../../secret/one-time-list.ts'

/** The number of digits of a port that a masked list shows. */
const SHOWN_DIGITS = 2

/** A door's list of one-time sequences. */
export interface DoorList {
  readonly door: string
  readonly path: string
  readonly generated: boolean
  readonly lowWater: number
  /** Reads the list, with the rights of the daemon. @throws FileError */
  readonly read: () => ListRead
}

/** The content of a list's file. */
export interface ListRead {
  readonly left: readonly OneTimeLine[]
  readonly used: number
}

/** Returns the lists of a config's doors. @param interfaces the interfaces that the daemon was started with */
export function listsOf(config: Config, interfaces: readonly string[]): readonly DoorList[] {
  const { file, options, doors } = config
  const isUsers = daemonAccount(config) !== undefined
  const journal = (): string => statePath(options.stateDir, file, interfaces, isUsers)
  return doors.flatMap(({ name: door, secret }: Door): readonly DoorList[] => {
    const list = oneTimeOf(secret)
    if (list === undefined) return []
    const generated = 'list' in list
    const path = generated ? join(listFolder(journal()), listName(door)) : list.path
    const read = (): ListRead => asDaemon(config, () => readList(path))
    return [{ door, path, generated, lowWater: list.lowWater, read }]
  })
}

function readList(path: string): ListRead {
  // In latin1 a character is a byte: the offsets of used lines count bytes.
  const text = readPrivateFile(path, ONE_TIME_FILE_MAX_BYTES, LIST).toString('latin1')
  const { lines } = parseOneTime(text)
  const left = lines.filter(({ marked }) => !marked)
  return { left, used: lines.length - left.length - comments(text) }
}

/** Counts the comments: the lines that begin with `#` and have no used sequence after it. */
function comments(text: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith('#') && !/^#[ \t]*[0-9]+(:(tcp|udp))?([ \t]*,|[ \t]*$)/i.test(line)).length
}

/** Formats a sequence with all but the first digits of each port masked. */
export function masked({ knocks }: OneTimeLine): string {
  return formatSequence(knocks).replaceAll(/[0-9]+/g, (port) => port.slice(0, SHOWN_DIGITS).padEnd(port.length, '*'))
}
