import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { getSystemErrorMap, parseArgs } from 'node:util'
import { CONFIG_MAX_BYTES } from '../config/config.ts'
import type { Fault, Reading } from '../config/config.ts'
import type { Facts, FileFacts } from '../config/facts.ts'
import { formatFault } from '../config/fault.ts'
import { readConfig } from '../config/read.ts'
import { USERS_FILE_MAX_BYTES } from '../config/users.ts'
import { faultsOfSpa } from './check-spa.ts'
import { faultsOfHidden } from './hidden.ts'
import { listeningPorts } from '../host/listening.ts'
import type { Listening } from '../host/listening.ts'

/** The config that is checked where none is named. */
export const CONFIG_DEFAULT = '/etc/knockd.conf'

/** Exit codes; 78 is EX_CONFIG of `<sysexits.h>`. */
export const USABLE = 0
export const WARNED = 1
export const USAGE = 2
export const UNUSABLE = 78

/** Where a command writes: whole lines, ends included. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

const HELP = `usage: postern check [--strict] [--json] [FILE]

Checks a config and says everything that is wrong with it and what would be right.
FILE is ${CONFIG_DEFAULT} where none is given. Changes nothing and needs no privilege;
as root it also says which ports are hidden now and would not be any more.

  --strict   warnings count: exit with 1 if there are any
  --json     one JSON document in place of lines
  -h, --help this text

exit status: 0 usable, 1 usable but with warnings (--strict), 2 usage, 78 cannot be used

  postern check
  postern check --strict ./knockd.conf && systemctl reload knockd
`

/**
 * `postern check [FILE] [--strict] [--json]`. Faults and the summary go to standard output.
 *
 * @returns the exit code
 */
export async function check(args: readonly string[], output: Output): Promise<number> {
  const asked = parse(args)
  if ('usage' in asked) {
    output.err(`postern: ${asked.usage}\n${HELP.slice(0, HELP.indexOf('\n'))}\n`)
    return USAGE
  }
  if (asked.help) {
    output.out(HELP)
    return USABLE
  }
  const { file, strict, json } = asked
  const reading = await withHidden(examine(file))
  output.out(json ? asJson(file, reading) : asText(file, reading))
  if (reading.config === undefined) return UNUSABLE
  return strict && reading.faults.length > 0 ? WARNED : USABLE
}

type Asked =
  | { readonly usage: string }
  | { readonly file: string; readonly strict: boolean; readonly json: boolean; readonly help: boolean }

function parse(args: readonly string[]): Asked {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        strict: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowPositionals: true,
      strict: true,
    })
    if (positionals.length > 1) return { usage: 'check takes one file' }
    return { file: positionals[0] ?? CONFIG_DEFAULT, ...values }
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    return { usage: message.charAt(0).toLowerCase() + message.slice(1) }
  }
}

/** The same with what the config would show that is hidden at the moment. */
async function withHidden(reading: Reading): Promise<Reading> {
  const { config, faults } = reading
  return config === undefined ? reading : { config, faults: [...faults, ...(await faultsOfHidden(config))] }
}

/** Reads a config with everything that this machine knows about it. A file that cannot be read is a fault too. */
export function examine(file: string): Reading {
  const facts = readBounded(file, CONFIG_MAX_BYTES)
  if (facts.content === undefined) {
    const message = facts.failure ?? 'cannot be read'
    return { config: undefined, faults: [{ severity: 'error', line: 1, column: 1, message }] }
  }
  const text = Buffer.from(facts.content, 'latin1').toString('utf8')
  const reading = readConfig(text, file, new Machine(facts.mode))
  const { config } = reading
  if (config === undefined) return reading
  const faults = [...reading.faults, ...faultsOfSpa(config.doors, config.options.spaKeyFile, readBounded)]
  return { config: faults.some(({ severity }) => severity === 'error') ? undefined : config, faults }
}

/** This machine, asked only for what the config names. */
class Machine implements Facts {
  readonly mode: number | undefined
  #listening: Listening | undefined

  constructor(mode: number | undefined) {
    this.mode = mode
  }

  listens(protocol: 6 | 17, port: number): boolean {
    this.#listening ??= listeningPorts()
    return this.#listening[protocol].has(port)
  }

  file(path: string): FileFacts {
    return readBounded(path, USERS_FILE_MAX_BYTES)
  }
}

function readBounded(path: string, maxBytes: number): FileFacts {
  let mode: number | undefined
  try {
    mode = statSync(path).mode & 0o7777
    // Without O_NONBLOCK a pipe of that name would hold the check up.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) return { failure: 'is not a file' }
      if (stat.size > maxBytes) return { mode, failure: `is too large: at most ${maxBytes} bytes` }
      return { mode, content: contentOf(fd, stat.size) }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    const { errno, code } = error as NodeJS.ErrnoException
    const reason = getSystemErrorMap().get(errno ?? 0)?.[1] ?? 'it is not known why'
    const failure = `cannot be read: ${reason}`
    return { failure, forbidden: code === 'EACCES', ...(mode === undefined ? {} : { mode }) }
  }
}

function contentOf(fd: number, size: number): string {
  const bytes = Buffer.alloc(size)
  let length = 0
  while (length < size) {
    const count = readSync(fd, bytes, length, size - length, length)
    if (count === 0) break
    length += count
  }
  return bytes.toString('latin1', 0, length)
}

function tally(faults: readonly Fault[]): { readonly errors: number; readonly warnings: number } {
  const errors = faults.filter(({ severity }) => severity === 'error').length
  return { errors, warnings: faults.length - errors }
}

function asText(file: string, { config, faults }: Reading): string {
  const { errors, warnings } = tally(faults)
  const parts = [
    config === undefined ? 'cannot be used' : `usable, ${counted(config.doors.length, 'door')}`,
    ...(errors === 0 ? [] : [counted(errors, 'error')]),
    ...(warnings === 0 ? [] : [counted(warnings, 'warning')]),
  ]
  return `${[...faults.map((fault) => formatFault(file, fault)), `${file}: ${parts.join(', ')}`].join('\n')}\n`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function asJson(file: string, { config, faults }: Reading): string {
  const summary = { file, usable: config !== undefined, doors: config?.doors.length ?? 0, ...tally(faults) }
  const listed = faults.map((fault) => ({ ...fault, file: fault.file ?? file }))
  return `${JSON.stringify({ ...summary, faults: listed }, undefined, 2)}\n`
}
