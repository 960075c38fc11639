import { parseArgs } from 'node:util'
import { CONFIG_MAX_BYTES } from '../config/config.ts'
import type { Fault } from '../text/fault.ts'
import type { Reading } from '../config/config.ts'
import type { Facts, FileFacts, ProgramFacts } from '../lint/facts.ts'
import { formatFault } from '../text/fault.ts'
import { checkConfig } from '../lint/lint.ts'
import { USERS_FILE_MAX_BYTES } from '../config/users.ts'
import { faultsOfFile } from '../file/faults.ts'
import { fileErrorOf } from '../file/file-error.ts'
import type { FileErrorReason } from '../file/file-error.ts'
import { ANYBODYS, CLASSIC } from '../file/policy.ts'
import { inspectFile } from '../file/private-file.ts'
import { allowedIn, allowedLines, faultsOfAllowed } from './check-allowed.ts'
import type { AllowedAt } from './check-allowed.ts'
import { faultsOfMachine } from './check-rules.ts'
import { faultsOfSpa } from './check-spa.ts'
import { programFacts } from './program-path.ts'
import { faultsOfHidden } from './hidden.ts'
import { listeningPorts } from '../host/listening.ts'
import type { Listening } from '../host/listening.ts'
import { faultsOfFiles } from './key-files.ts'

/** The default config. */
export const CONFIG_DEFAULT = '/etc/knockd.conf'

/** The exit codes; 78 is EX_CONFIG of `<sysexits.h>`. */
export const USABLE = 0
export const WARNED = 1
export const USAGE = 2
export const UNUSABLE = 78

/** The streams that a command writes to, in whole lines with their line ends. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

const HELP = `usage: postern check [--strict] [--json] [FILE]

Finds every fault of a config and says what would be right; and shows for each
of fwknop's keys what its door and stanza allow. Changes nothing, and needs no
privilege; as root it also shows what is wrong with the machine's rules as far
as that needs no trial, and which hidden ports the config would expose.

  FILE       the config; default: ${CONFIG_DEFAULT}
  --strict   exit with 1 if there are warnings
  --json     print one JSON document
  -h, --help show this help

exit status: 0 usable, 1 usable but with warnings (--strict), 2 usage,
78 the config cannot be used

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
  const reading = inOrder(await withRules(checked(examine(file))))
  const allowed = reading.config === undefined ? [] : allowedIn(reading.config)
  output.out(json ? asJson(file, reading, allowed) : asText(file, reading, allowed))
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

/** Adds the faults of the files that the config names and the daemon refuses. */
function checked({ config, faults }: Reading): Reading {
  const refused = config === undefined ? [] : faultsOfFiles(config)
  return { config: refused.length > 0 ? undefined : config, faults: [...faults, ...refused] }
}

/** Moves the faults that are marked `last` to the end. */
function inOrder({ config, faults }: Reading): Reading {
  const last = faults.filter((fault) => fault.last === true)
  return { config, faults: [...faults.filter((fault) => !last.includes(fault)), ...last] }
}

/** Adds warnings of the machine's rules, and of hidden ports that the config would expose. */
async function withRules(reading: Reading): Promise<Reading> {
  const { config, faults } = reading
  if (config === undefined) return reading
  // A word of the config that has a fault already gets no second one.
  const ofRules = (await faultsOfMachine(config)).filter(
    ({ line, column }) => line === 1 || !faults.some((other) => other.line === line && other.column === column),
  )
  return { config, faults: [...faults, ...ofRules, ...(await faultsOfHidden(config))] }
}

/**
 * Reads a config, and checks it against this machine. A file that cannot be read is a fault too. So is a file that
 * others can write, because the daemon refuses it.
 */
export function examine(file: string): Reading {
  const facts = readBounded(file, CONFIG_MAX_BYTES)
  if (facts.content === undefined) {
    const message = facts.failure ?? 'cannot be read'
    return { config: undefined, faults: [{ severity: 'error', line: 1, column: 1, message }] }
  }
  const refused = faultsOfFile(file, CLASSIC).map(({ message, cure }): Fault => ({
    severity: 'error',
    line: 1,
    column: 1,
    message,
    hint: cure,
  }))
  const text = Buffer.from(facts.content, 'latin1').toString('utf8')
  const reading = checkConfig(text, file, new Machine(facts.mode))
  const { config } = reading
  if (config === undefined) return { config, faults: [...refused, ...reading.faults] }
  const spa = [...faultsOfSpa(config.doors, config.options.spaKeyFile, readBounded), ...faultsOfAllowed(config)]
  const faults = [...refused, ...reading.faults, ...spa]
  return { config: faults.some(({ severity }) => severity === 'error') ? undefined : config, faults }
}

/** Looks up facts of this machine, only for what the config names. */
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

  program(name: string): ProgramFacts {
    return programFacts(name)
  }
}

/** Reads a file without a check of its permissions, which are reported apart from its content. */
function readBounded(path: string, maxBytes: number): FileFacts {
  try {
    const { mode, content } = inspectFile(path, maxBytes, ANYBODYS)
    return { mode, content: content.toString('latin1') }
  } catch (error) {
    const { fault, hint, reason } = fileErrorOf(path, error)
    const failure = FAILURES[reason] ?? (hint === undefined ? fault : `${fault}: ${hint}`)
    return { failure, forbidden: reason === 'forbidden' }
  }
}

const FAILURES: Partial<Record<FileErrorReason, string>> = {
  missing: 'cannot be read: no such file or directory',
  forbidden: 'cannot be read: permission denied',
  irregular: 'is not a file',
}

function tally(faults: readonly Fault[]): { readonly errors: number; readonly warnings: number } {
  const errors = faults.filter(({ severity }) => severity === 'error').length
  return { errors, warnings: faults.length - errors }
}

function asText(file: string, { config, faults }: Reading, allowed: readonly AllowedAt[]): string {
  const { errors, warnings } = tally(faults)
  const parts = [
    config === undefined ? 'cannot be used' : `usable, ${counted(config.doors.length, 'door')}`,
    ...(errors === 0 ? [] : [counted(errors, 'error')]),
    ...(warnings === 0 ? [] : [counted(warnings, 'warning')]),
  ]
  const told = faults.map((fault) => formatFault(file, fault))
  const summary = `${file}: ${parts.join(', ')}`
  return `${[...told, ...allowedLines(allowed, `${file}: `), summary].join('\n')}\n`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function asJson(file: string, { config, faults }: Reading, allowed: readonly AllowedAt[]): string {
  const summary = { file, usable: config !== undefined, doors: config?.doors.length ?? 0, ...tally(faults) }
  const listed = faults.map((fault) => ({ ...fault, file: fault.file ?? file, last: undefined }))
  const rights = allowed.length === 0 ? {} : { allowed }
  return `${JSON.stringify({ ...summary, ...rights, faults: listed }, undefined, 2)}\n`
}
