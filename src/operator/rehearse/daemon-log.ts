import type { Door } from '../../config/config.ts'
import { expand } from '../../door/expand.ts'
import type { Family } from '../../packet/address.ts'
import type { CommandRun } from './observation.ts'

/** Returns true if the daemon logged that it opened a door for a source. */
export function hasOpened(lines: readonly string[], door: string, source: string): boolean {
  return lines.some((line) => saysOpen(line, door, source))
}

/** Returns true if a line of the log reports the opening. The user may follow in brackets. */
export function saysOpen(line: string, door: string, source: string): boolean {
  const start = `${source}: ${door}: OPEN SESAME`
  return line === start || line.startsWith(`${start} (`)
}

/** Returns the commands that the daemon ran at a door for a source, with their output and exit status. */
export function commandsRun(
  lines: readonly string[],
  { name, commands4, commands6 }: Door,
  source: string,
  family: Family,
): readonly CommandRun[] {
  const { start, stop } = family === 4 ? commands4 : commands6
  const runs: { part: 'start' | 'stop'; text: string; status: number; output: string[] }[] = []
  let current: (typeof runs)[number] | undefined
  for (const line of lines) {
    const said = line.startsWith(`${name}: `) ? line.slice(name.length + 2) : ''
    const text = after(said, 'running command: ')
    if (text !== undefined) {
      const part = [start, stop].findIndex((command) => command !== undefined && expand(command, source) === text)
      // A command that ran for a wrong knock is not counted.
      current = part < 0 ? undefined : { part: part === 0 ? 'start' : 'stop', text, status: 0, output: [] }
      if (current !== undefined) runs.push(current)
    }
    if (current === undefined) continue
    const printed = after(said, 'command printed: ')
    if (printed !== undefined) current.output.push(printed)
    const status = /^command returned non-zero status code \((\d+)\)$/.exec(said)?.[1]
    if (status !== undefined) current.status = Number(status)
  }
  return runs
}

function after(text: string, beginning: string): string | undefined {
  return text.startsWith(beginning) ? text.slice(beginning.length) : undefined
}
