import type { Change, Field } from './change.ts'
import { quote } from '../text/fault.ts'
import { changesOf } from './firewall.ts'
import { programName } from './shell.ts'
import type { Script } from './shell.ts'

/** A fault in a stop command; `offset` is in UTF-16 units from its beginning. */
export interface UndoFault {
  readonly offset: number
  readonly message: string
  readonly hint: string
}

/**
 * Returns one fault for each rule of the start command that the stop command would leave in place. Only rules of known
 * firewalls are compared, word by word. An opaque command, or a stop command with unknown programs, gives no fault.
 *
 * @param line the line of the start command, for messages
 */
export function undoFaults(start: Script, stop: Script, line: number): readonly UndoFault[] {
  const done = changes(start)
  const undone = changes(stop)
  if (start.opaque || undone.unknown) return []
  const reloads = stop.commands.some(
    (words) => programName(words) === 'firewall-cmd' && words.some(({ text }) => text === '--reload'),
  )
  const left = [...undone.changes]
  const adds = done.changes.filter(({ act }) => act === 'add')
  // A start command that only removes (say, a rule that drops) is undone by adding the rule again.
  const acts = adds.length > 0 ? adds : done.changes.filter(({ act }) => act === 'remove')
  const staying = acts.filter((change) => {
    if (change.passing || (reloads && isRuntime(change))) return false
    const same = left.findIndex((other) => undoes(change, other) && differences(change, other).length === 0)
    if (same >= 0) left.splice(same, 1)
    return same < 0
  })
  return staying.map((change) => explain(change, left, line))
}

/** Returns true for a runtime rule of firewalld, which a reload removes. */
function isRuntime({ kind, fields }: Change): boolean {
  return kind === 'firewall-cmd' && !fields.some(({ label }) => label === '--permanent')
}

function changes(script: Script): { readonly changes: readonly Change[]; readonly unknown: boolean } {
  const all = script.commands.map((command) => changesOf(command))
  return { changes: all.flatMap((each) => each ?? []), unknown: script.opaque || all.includes(undefined) }
}

function undoes(change: Change, other: Change): boolean {
  return change.kind === other.kind && other.act === (change.act === 'add' ? 'remove' : 'add')
}

type Difference =
  | { readonly kind: 'other'; readonly start: Field; readonly stop: Field }
  | { readonly kind: 'missing'; readonly start: Field }
  | { readonly kind: 'extra'; readonly stop: Field }

function differences(change: Change, other: Change): readonly Difference[] {
  const rest = [...other.fields]
  const found: Difference[] = []
  const unmatched: Field[] = []
  for (const field of change.fields) {
    const same = rest.findIndex(({ label, value }) => label === field.label && value === field.value)
    if (same >= 0) rest.splice(same, 1)
    else unmatched.push(field)
  }
  for (const start of unmatched) {
    const like = rest.findIndex(({ label }) => label === start.label)
    if (like >= 0) found.push({ kind: 'other', start, stop: rest.splice(like, 1)[0]! })
    else found.push({ kind: 'missing', start })
  }
  return [...found, ...rest.map((stop): Difference => ({ kind: 'extra', stop }))]
}

function explain(change: Change, left: Change[], line: number): UndoFault {
  const of = `of the start command (line ${line})`
  const again = left.find(
    (other) => other.kind === change.kind && other.act === change.act && differences(change, other).length === 0,
  )
  if (again !== undefined) {
    const message = `${quote(again.head)} does the same once more instead of undoing it`
    return { offset: again.offset, message, hint: hintForAgain(change) }
  }
  const byNumber = left.find(({ kind, act }) => kind === change.kind && act === 'number')
  if (byNumber !== undefined) {
    const message = `${quote(byNumber.head)} deletes by number, whatever rule has that number by then`
    return { offset: byNumber.offset, message, hint: `repeat the rule that ${quote(change.head)} made` }
  }
  const candidates = left
    .filter((other) => undoes(change, other))
    .map((other) => ({ other, found: differences(change, other) }))
  const nearest = candidates.sort((one, other) => one.found.length - other.found.length)[0]
  if (nearest === undefined) {
    return { offset: 0, message: `nothing here undoes ${quote(change.text)} ${of}`, hint: 'what was opened stays open' }
  }
  left.splice(left.indexOf(nearest.other), 1)
  return describe(nearest.found, nearest.other, of)
}

function hintForAgain({ kind }: Change): string {
  if (kind === 'iptables') return 'delete the rule with -D'
  return kind === 'firewall-cmd' ? 'remove it with --remove-…' : 'delete what the start command added'
}

function describe(found: readonly Difference[], other: Change, of: string): UndoFault {
  const first = found[0]!
  const more =
    found.length === 1 ? '' : `, and ${found.length - 1} more ${found.length === 2 ? 'word differs' : 'words differ'}`
  if (first.kind === 'other') {
    const message = `${quote(first.stop.text)} does not undo ${quote(first.start.text)} ${of}${more}`
    return { offset: first.stop.offset, message, hint: `write ${quote(corrected(first.start, first.stop))}` }
  }
  if (first.kind === 'missing') {
    const message = `${quote(other.head)} lacks ${quote(first.start.text)} ${of}${more}`
    return { offset: other.offset, message, hint: 'what was opened stays open: repeat the rule word by word' }
  }
  const message = `${quote(first.stop.text)} is not part ${of}${more}`
  return { offset: first.stop.offset, message, hint: 'what was opened stays open: remove it here, or add it there' }
}

/** Spells the stop command's field with the start command's value: `-D INPUT` for `-D FORWARD` after `-I INPUT`. */
function corrected(start: Field, stop: Field): string {
  return start.label === 'chain' && stop.text.startsWith('-') ? `${stop.text.split(' ')[0]} ${start.value}` : start.text
}
