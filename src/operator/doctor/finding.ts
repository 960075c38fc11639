import { oneLine } from '../../daemon/log/line.ts'
import type { Remedy } from '../../remedy/remedies.ts'

/** Something that bites, or will. */
export interface Finding {
  /** `fault`: it bites now. `warning`: it will, one day. `note`: it could not be looked at, or is good to know. */
  readonly severity: 'fault' | 'warning' | 'note'
  /** What it is about: `interface`, `ipv6`, `clock`. */
  readonly subject: string
  /** What is so, and why that matters. Lower case, no full stop, no secret. */
  readonly message: string
  /** The command that fixes it, as a shell takes it; absent for notes. */
  readonly mend?: Remedy
}

const ORDER = { fault: 0, warning: 1, note: 2 } as const

/** The worst first; those of one severity as they were found. */
export function sorted(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((one, other) => ORDER[one.severity] - ORDER[other.severity])
}

/** Findings for people. */
export function asText(file: string, findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ severity, subject, message, mend }) => [
    // Names of rules and processes are others' texts: they end no line, and move no cursor.
    `${severity}: ${subject}: ${oneLine(message.replaceAll(/\s*\n\s*/g, '; '))}`,
    ...(mend === undefined ? [] : [`    ${mend}`]),
  ])
  const count = (severity: Finding['severity']): number => findings.filter((each) => each.severity === severity).length
  const counts = [counted(count('fault'), 'fault'), counted(count('warning'), 'warning')].filter((text) => text !== '')
  return `${[...lines, `${file}: ${counts.length === 0 ? 'nothing found' : counts.join(', ')}`].join('\n')}\n`
}

/** Findings for programs. */
export function asJson(file: string, findings: readonly Finding[]): string {
  return `${JSON.stringify({ file, findings }, undefined, 2)}\n`
}

function counted(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`
}
