import type { DoorText } from './door.ts'
import type { Facts } from './facts.ts'
import { quote } from './fault.ts'
import type { FaultList } from './fault.ts'
import { parseOneTime } from './one-time.ts'
import { formatSequence } from './sequence.ts'

/** Permission bits of others (`<sys/stat.h>`). */
const OTHERS_READ = 0o004
const OTHERS_WRITE = 0o002

/** Warns of files whose secrets others can read or change, and of one-time files that are no use. */
export class Files {
  readonly #file: string
  readonly #facts: Facts
  readonly #faults: FaultList
  /** The first door of each one-time file. */
  readonly #owners = new Map<string, { readonly name: string; readonly line: number }>()
  #hasSecret = false

  constructor(file: string, facts: Facts, faults: FaultList) {
    this.#file = file
    this.#facts = facts
    this.#faults = faults
  }

  add({ name, line, values, entries }: DoorText): void {
    this.#hasSecret ||= entries.sequence !== undefined
    const path = values.oneTime
    const entry = entries.oneTime
    if (path === undefined || entry === undefined) return
    const owner = this.#owners.get(path)
    if (owner === undefined) {
      this.#owners.set(path, { name, line })
      warnOfOneTimeFile(path, entry, this.#facts, this.#faults)
    } else {
      const message = `door ${quote(owner.name)} (line ${owner.line}) strikes sequences from the same file`
      this.#faults.warning(entry.line, entry.valueColumn, message, 'give each door a file of its own')
    }
  }

  end(): void {
    const fault = modeFault(this.#facts.mode, this.#hasSecret)
    if (fault !== undefined)
      this.#faults.warning(1, 1, `everyone on this machine can ${fault}`, `chmod 600 ${this.#file}`)
  }
}

/** Modes are for the one who runs the check to see; `undefined`: nothing wrong, or nothing known. */
function modeFault(mode: number | undefined, hasSecret: boolean): string | undefined {
  if (mode === undefined) return undefined
  const shown = (mode & 0o7777).toString(8).padStart(4, '0')
  if ((mode & OTHERS_WRITE) !== 0) return `change this file (mode ${shown})`
  return hasSecret && (mode & OTHERS_READ) !== 0 ? `read the sequences in this file (mode ${shown})` : undefined
}

function warnOfOneTimeFile(
  path: string,
  { line, valueColumn }: { readonly line: number; readonly valueColumn: number },
  facts: Facts,
  faults: FaultList,
): void {
  const { mode, content, failure, forbidden } = facts.file(path)
  const add = (at: number, column: number, message: string, hint: string): void =>
    faults.add({ severity: 'warning', file: path, line: at, column, message, hint })
  const fault = modeFault(mode, true)
  if (fault !== undefined) add(1, 1, `everyone on this machine can ${fault}`, `chmod 600 ${path}`)
  if (content === undefined) {
    const hint = forbidden ? 'check it as root' : 'one sequence a line; until then the door cannot be opened'
    faults.warning(line, valueColumn, `${quote(path)} ${failure ?? 'cannot be read'}`, hint)
    return
  }
  const reading = parseOneTime(content)
  for (const each of reading.faults) faults.add({ ...each, file: path })
  const seen = new Map<string, number>()
  for (const { line: at, struck, knocks } of reading.lines) {
    if (struck) continue
    const sequence = formatSequence(knocks)
    const before = seen.get(sequence)
    if (before === undefined) seen.set(sequence, at)
    else add(at, 1, `the same sequence as in line ${before}`, 'each is accepted once, however often it stands there')
  }
  if (seen.size === 0) {
    faults.warning(line, valueColumn, `${quote(path)} has no sequence left`, 'add some: the door cannot be opened')
  }
}
