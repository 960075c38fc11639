import { counted } from '../../text/counted.ts'
import { formatFault } from '../../text/fault.ts'
import type { Family } from '../../packet/address.ts'
import { CHECKS } from './checks.ts'
import type { Outcome } from './checks.ts'
import type { Finding } from './diagnosis.ts'
import type { Observation } from '../../twin/observation.ts'

/** The results of a door. */
export interface DoorReport {
  readonly name: string
  readonly line: number
  /** The ports, as `tcp/22`; empty if they are unknown. */
  readonly ports: string
  /** The observations, one for each family. */
  readonly observations: readonly Observation[]
  /** The notes below the table. */
  readonly notes: readonly string[]
}

/** The results of a door over one family. */
export interface DoorTried extends DoorReport {
  /** The notes that hold for both families. */
  readonly remarks: readonly string[]
}

/** Joins the results of both families, door by door. A rehearsal that broke off has fewer doors. */
export function joinFamilies(families: readonly (readonly DoorTried[])[]): readonly DoorReport[] {
  const names = new Set(families.flat().map(({ name }) => name))
  return [...names].map((name) => {
    const tried = families.flat().filter((door) => door.name === name)
    const observations = tried.flatMap((door) => door.observations)
    const notes = tried.flatMap((door) => door.notes)
    if (notes.length === 0 && observations.every(({ notTried }) => notTried !== undefined)) {
      notes.push(gap('this machine has no address to knock at'))
    }
    const remarks = tried.flatMap((door) => door.remarks)
    const ports = tried.map((door) => door.ports).find((text) => text !== '') ?? ''
    return { name, line: tried[0]!.line, ports, observations, notes: [...new Set([...notes, ...remarks])] }
  })
}

/** The report of a rehearsal. */
export interface Report {
  readonly file: string
  readonly interface: string
  readonly addresses: readonly string[]
  /** The rules that were copied, and those that could not be. */
  readonly copied: string
  readonly notCopied: readonly string[]
  readonly doors: readonly DoorReport[]
  readonly findings: readonly Finding[]
  /** A changed line of this machine's rules; `undefined` if none changed. */
  readonly changed: string | undefined
  /** The reason why the rehearsal broke off; `undefined` if it did not. */
  readonly broken: string | undefined
}

const LABEL_CHARS = 40
const CELL_CHARS = 14

/** Returns true if nothing is to be fixed, and everything was tried. */
export function isGood({ doors, findings, notCopied, changed, broken }: Report): boolean {
  const untried = doors.some(({ notes, observations }) => observations.length === 0 || notes.some(isGap))
  return findings.length === 0 && notCopied.length === 0 && changed === undefined && broken === undefined && !untried
}

const NOT_TRIED = 'not tried: '

/** Formats a note about something that could not be tried. */
export function gap(why: string): string {
  return NOT_TRIED + why
}

function isGap(note: string): boolean {
  return note.startsWith(NOT_TRIED)
}

/** Formats the report as text: a table for each door, the state of this machine's rules, and the findings. */
export function asText(report: Report): string {
  const { file, findings, copied, notCopied, addresses, doors, changed, broken } = report
  const lines = [
    `rehearsal of ${file}`,
    `  on a copy of this machine's rules: ${copied}`,
    ...notCopied.map((fault) => `  not copied: ${fault}`),
    `  at ${report.interface}: ${addresses.join(', ')}`,
    ...doors.flatMap((door) => ['', ...doorLines(door)]),
    '',
    row("this machine's rules are unchanged", [changed === undefined ? 'yes' : 'NO']),
  ]
  if (changed !== undefined) lines.push(`  they changed while the rehearsal ran, first here: ${changed}`)
  if (broken !== undefined) lines.push('', `the rehearsal broke off: ${broken}`)
  if (findings.length > 0) lines.push('', ...findings.map((finding) => findingText(file, finding)))
  const gaps = doors.filter(({ notes }) => notes.some(isGap)).length
  const parts = [
    counted(doors.length, 'door'),
    findings.length === 0 ? 'nothing found' : counted(findings.length, 'finding'),
  ]
  if (gaps > 0) parts.push(`${counted(gaps, 'door')} not tried in full`)
  lines.push('', `${file}: ${parts.join(', ')}`)
  return `${lines.join('\n')}\n`
}

function doorLines({ name, line, ports, observations, notes }: DoorReport): readonly string[] {
  const title = `${name} (line ${line})${ports === '' ? '' : `, ${ports}`}`
  const tried = observations.filter(({ notTried }) => notTried === undefined)
  const rows = CHECKS.flatMap(({ name: check, label, outcome }) => {
    const outcomes = tried.map((observation) => outcome(observation))
    if (outcomes.every(({ good }) => good === undefined)) return []
    const deadline = check === 'closes' ? `, ${seconds(tried[0]!.times.cmdTimeoutMs)}` : ''
    return [row(`  ${label}${deadline}`, outcomes.map(cellText))]
  })
  const heads = tried.map(({ family }) => `IPv${family}`)
  return [tried.length === 0 ? title : row(title, heads), ...rows, ...notes.map((note) => `  (${note})`)]
}

function row(label: string, cells: readonly string[]): string {
  return [label.padEnd(LABEL_CHARS), ...cells.map((cell) => cell.padEnd(CELL_CHARS))].join(' ').trimEnd()
}

function cellText({ good, ms }: Outcome): string {
  if (good === undefined) return '-'
  const word = good ? 'yes' : 'NO'
  return ms === undefined ? word : `${word}, ${ms.toFixed(1)} ms`
}

/** Formats a time in the largest unit that divides it: `2 min`. */
export function seconds(ms: number): string {
  if (ms % 3_600_000 === 0 && ms > 0) return `${ms / 3_600_000} h`
  if (ms % 60_000 === 0 && ms > 0) return `${ms / 60_000} min`
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`
}

function findingText(file: string, { door, families, line, column, message, hint }: Finding): string {
  const text = `${door} (${families.map((family) => `IPv${family}`).join(', ')}): ${message}`
  return formatFault(file, { severity: 'error', line, column, message: text, ...(hint === undefined ? {} : { hint }) })
}

function wordOf({ good }: Outcome): 'yes' | 'no' | 'not tried' {
  if (good === undefined) return 'not tried'
  return good ? 'yes' : 'no'
}

/** Formats the report as JSON. */
export function asJson(report: Report): string {
  const doors = report.doors.map(({ name, line, ports, observations, notes }) => ({
    name,
    line,
    ports,
    tried: observations.filter(({ notTried }) => notTried === undefined).map((observation) => triedOf(observation)),
    notes,
  }))
  const { file, addresses, copied, notCopied, findings, changed, broken } = report
  const machine = { unchanged: changed === undefined, ...(changed === undefined ? {} : { changed }) }
  const head = { file, good: isGood(report), interface: report.interface, addresses, copied, notCopied }
  return `${JSON.stringify({ ...head, doors, findings, machine, broken }, undefined, 2)}\n`
}

function triedOf(observation: Observation): {
  readonly family: Family
  readonly deadlineMs: number
  readonly checks: Readonly<Record<string, 'yes' | 'no' | 'not tried'>>
  readonly openedMs?: number
} {
  const outcomes = CHECKS.map(({ name, outcome }) => [name, outcome(observation)] as const)
  const ms = outcomes.find(([, { ms: measured }]) => measured !== undefined)?.[1].ms
  return {
    family: observation.family,
    deadlineMs: observation.times.cmdTimeoutMs,
    checks: Object.fromEntries(outcomes.map(([name, outcome]) => [name, wordOf(outcome)])),
    ...(ms === undefined ? {} : { openedMs: Math.round(ms * 10) / 10 }),
  }
}
