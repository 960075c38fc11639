import { counted } from '../../text/counted.ts'
import { CONFIG_UNUSABLE, DONE, FAILED } from '../../cli/exit-code.ts'
import type { Output } from '../../cli/output.ts'
import { CONFIG_MAX_BYTES } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import type { Config, Reading } from '../../config/config.ts'
import type { Facts, FileFacts, ProgramFacts } from '../../lint/facts.ts'
import { formatFault } from '../../text/fault.ts'
import { checkConfig } from '../../lint/lint.ts'
import { USERS_FILE_MAX_BYTES } from '../../config/users.ts'
import { faultsOfFile } from '../../file/faults.ts'
import { fileErrorOf } from '../../file/file-error.ts'
import type { FileErrorReason } from '../../file/file-error.ts'
import { shareWithUser } from '../../file/owner.ts'
import { ANYBODYS, CLASSIC } from '../../file/policy.ts'
import { inspectFile } from '../../file/private-file.ts'
import type { CheckArguments } from './arguments.ts'
import { allowedIn, allowedLines, faultsOfAllowed } from './allowed.ts'
import type { AllowedAt } from './allowed.ts'
import { faultsOfMachine } from './rules.ts'
import { faultsOfFleet } from './fleet.ts'
import { faultsOfSpa } from './packets.ts'
import { programFacts } from '../program-path.ts'
import { faultsOfHidden } from '../hidden.ts'
import { listeningPorts } from '../../host/listening.ts'
import type { Listening } from '../../host/listening.ts'
import { faultsOfFiles } from '../../peer/key-files.ts'

/** Runs `postern check`, and returns the exit code. Faults and the summary go to standard output. */
export async function check({ file, strict, json }: CheckArguments, output: Output): Promise<number> {
  const reading = inOrder(await withRules(checked(examine(file))))
  const allowed = reading.config === undefined ? [] : allowedIn(reading.config)
  output.out(json ? asJson(file, reading, allowed) : asText(file, reading, allowed))
  if (reading.config === undefined) return CONFIG_UNUSABLE
  return strict && reading.faults.length > 0 ? FAILED : DONE
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
  return {
    config,
    faults: [...faults, ...ofRules, ...(await faultsOfHidden(config)), ...(await faultsOfFleet(config))],
  }
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
  shareWithUser(config?.options ?? { user: undefined })
  if (config === undefined) return { config, faults: [...refused, ...reading.faults] }
  const spa = [...faultsOfSpa(config.doors, config.options.spaKeyFile, readBounded), ...faultsOfAllowed(config)]
  const faults = [...refused, ...reading.faults, ...spa]
  return { config: faults.some(({ severity }) => severity === 'error') ? undefined : config, faults }
}

/** Reads a config as {@link examine} does, and prints all its faults. @returns `undefined` if it cannot be used */
export function examineAloud(file: string, output: Output): Config | undefined {
  const { config, faults } = examine(file)
  for (const fault of faults) output.err(`${formatFault(file, fault)}\n`)
  return config
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

function asJson(file: string, { config, faults }: Reading, allowed: readonly AllowedAt[]): string {
  const summary = { file, usable: config !== undefined, doors: config?.doors.length ?? 0, ...tally(faults) }
  const listed = faults.map((fault) => ({ ...fault, file: fault.file ?? file, last: undefined }))
  const rights = allowed.length === 0 ? {} : { allowed }
  return `${JSON.stringify({ ...summary, ...rights, faults: listed }, undefined, 2)}\n`
}
