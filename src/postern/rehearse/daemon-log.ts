import type { Door } from '../../config/config.ts'
import { expand } from '../../door/expand.ts'
import { textOf } from '../../log/format.ts'
import { parseAddress } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'
import type { CommandRun } from '../../twin/observation.ts'

/** Returns true if the daemon logged that it opened a door for a source. */
export function hasOpened(lines: readonly string[], door: string, source: string): boolean {
  return lines.some((line) => saysOpen(line, door, source))
}

/** Returns true if a line of the log reports the opening. The user may follow in brackets. */
export function saysOpen(line: string, door: string, source: string): boolean {
  const start = textOf({ kind: 'open', source: parseAddress(source)!, door })
  return line === start || line.startsWith(`${start} (`)
}

/** Returns the commands that the daemon ran at a door for a source, with their output and exit status. */
export function commandsRun(
  lines: readonly string[],
  { name: door, commands4, commands6 }: Door,
  source: string,
  family: Family,
): readonly CommandRun[] {
  const { start, stop } = family === 4 ? commands4 : commands6
  const runs: { part: 'start' | 'stop'; text: string; status: number; output: string[] }[] = []
  let current: (typeof runs)[number] | undefined
  for (const line of lines) {
    const text = after(line, textOf({ kind: 'command', door, command: '' }))
    if (text !== undefined) {
      const part = [start, stop].findIndex((command) => command !== undefined && expand(command, source) === text)
      // A command that ran for a wrong knock is not counted.
      current = part < 0 ? undefined : { part: part === 0 ? 'start' : 'stop', text, status: 0, output: [] }
      if (current !== undefined) runs.push(current)
    }
    if (current === undefined) continue
    const output = after(line, textOf({ kind: 'output', door, output: '' }))
    if (output !== undefined) current.output.push(output)
    const status = Number(/\((\d+)\)$/.exec(line)?.[1])
    if (line === textOf({ kind: 'status', door, status })) current.status = status
  }
  return runs
}

function after(text: string, beginning: string): string | undefined {
  return text.startsWith(beginning) ? text.slice(beginning.length) : undefined
}
