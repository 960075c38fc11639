import { randomBytes } from 'node:crypto'
import { runCommand } from '../../src/cli/command.ts'
import { add } from '../../src/postern/user/add.ts'
import { ADD, DISABLE, ENABLE, LIST, REMOVE } from '../../src/postern/user/arguments.ts'
import { disable, enable, remove } from '../../src/postern/user/change.ts'
import type { AskAll } from '../../src/postern/user/in-force.ts'
import { list } from '../../src/postern/user/list.ts'
import { replaceAll } from '../../src/postern/user/replacement.ts'
import type { Surroundings } from '../../src/postern/user/surroundings.ts'

/** The commands of `postern user`, with what runs them. */
export const USER_COMMANDS = {
  add: [ADD, add],
  remove: [REMOVE, remove],
  disable: [DISABLE, disable],
  enable: [ENABLE, enable],
  list: [LIST, list],
} as const
export type Action = keyof typeof USER_COMMANDS

/** The exit code and the output of a command. */
export interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command of `postern user`. @param answers the answers of daemons */
export async function runUser(
  action: Action,
  argv: readonly string[],
  answers: AskAll,
  more: Partial<Surroundings> = {},
): Promise<Result> {
  let [out, err] = ['', '']
  const output = { out: (each: string) => void (out += each), err: (each: string) => void (err += each) }
  const here: Surroundings = {
    random: randomBytes,
    hostname: () => 'gate.example',
    terminal: false,
    viewer: () => undefined,
    listening: () => new Set(),
    asksAll: () => answers,
    replace: replaceAll,
    ...more,
  }
  const [row, command] = USER_COMMANDS[action]
  const code = await runCommand(row, argv, output, async (asked: never) => await command(asked, output, here))
  return { code, out, err }
}
