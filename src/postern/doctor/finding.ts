import { counted } from '../../text/counted.ts'
import { oneLine } from '../../log/line.ts'
import { joinLines } from '../../text/joined-lines.ts'
import type { Remedy } from '../../remedy/remedies.ts'

/** A problem that doctor found. */
export interface Finding {
  /** `fault`: a present problem. `warning`: a future one. `note`: a failed check or useful information. */
  readonly severity: 'fault' | 'warning' | 'note'
  /** The subject: `interface`, `ipv6`, `clock`. */
  readonly subject: string
  /** The problem and its consequence, in lower case, without full stop and secrets. */
  readonly message: string
  /** The shell command that fixes the problem; absent for notes. */
  readonly fix?: Remedy
}

const ORDER = { fault: 0, warning: 1, note: 2 } as const

/** Sorts findings by severity, the worst first. */
export function sorted(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((one, other) => ORDER[one.severity] - ORDER[other.severity])
}

/** Formats findings as text. */
export function asText(file: string, findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ severity, subject, message, fix }) => [
    // Names of rules and processes are others' texts: they end no line, and move no cursor.
    `${severity}: ${subject}: ${oneLine(joinLines(message))}`,
    ...(fix === undefined ? [] : [`    ${fix}`]),
  ])
  const counts = (['fault', 'warning'] as const)
    .map((severity) => counted(findings.filter((each) => each.severity === severity).length, severity))
    .filter((text) => !text.startsWith('0 '))
  return `${[...lines, `${file}: ${counts.length === 0 ? 'nothing found' : counts.join(', ')}`].join('\n')}\n`
}

/** Formats findings as JSON. */
export function asJson(file: string, findings: readonly Finding[]): string {
  return `${JSON.stringify({ file, findings }, undefined, 2)}\n`
}
