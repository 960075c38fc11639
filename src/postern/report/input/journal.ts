import { existsSync } from 'node:fs'
import type { LogReader, LogRecord, NoRecord } from '../../../log/read-log.ts'
import { oneLine } from '../../../log/line.ts'
import { spawn } from '../../../native/spawn.ts'
import { joinLines } from '../../../text/joined-lines.ts'
import { PROGRAM_FOLDERS, programPath } from '../../program-path.ts'
import { accountOf } from './intake.ts'
import type { InputAccount, Intake } from './intake.ts'
import { eachLine } from './lines.ts'

/** The most milliseconds that journalctl may take. */
export const JOURNAL_LIMIT_MS = 300_000
/** The most characters of what journalctl complains of that are kept. */
const COMPLAINT_MAX_CHARS = 400
/** The folder of systemd-journald (systemd-journald.service(8)). */
const JOURNAL_FOLDER = '/run/systemd/journal'
const FIELDS = 'MESSAGE,POSTERN_EVENT,POSTERN_DOOR,POSTERN_USER'
const MICROSECONDS_PER_MS = 1_000

/** Returns true if this machine has a journal that can be asked. */
export function hasJournal(): boolean {
  return existsSync(JOURNAL_FOLDER) && programPath('journalctl') !== undefined
}

/**
 * Reads knockd's lines in the journal. Only the service itself and root can have written them: others can use the name,
 * too (logger(1)).
 *
 * @param program journalctl, for tests
 */
export async function readJournal(
  from: number,
  intake: Intake,
  program = programPath('journalctl'),
  limitMs = JOURNAL_LIMIT_MS,
): Promise<InputAccount> {
  const account = accountOf('the journal')
  if (program === undefined) {
    account.problem = 'there is no journalctl on this machine'
    return account
  }
  const name = 'SYSLOG_IDENTIFIER=knockd'
  const words = [
    '--output=json',
    `--output-fields=${FIELDS}`,
    '--all',
    '--no-pager',
    `--since=@${Math.floor(from / 1_000)}`,
  ]
  const matches = [name, '_SYSTEMD_UNIT=knockd.service', '+', name, '_UID=0']
  // Names and times of others' settings must not change what it prints.
  const env = { PATH: PROGRAM_FOLDERS.join(':'), LC_ALL: 'C.UTF-8' }
  const child = spawn(program, [...words, ...matches], { stdio: ['ignore', 'pipe', 'pipe'], env, timeout: limitMs })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, COMPLAINT_MAX_CHARS)
  })
  const ended = new Promise<string | undefined>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => resolve(`cannot be run: ${error.code ?? error.message}`))
    child.on('close', (code, signal) => resolve(endOf(code, signal, limitMs)))
  })
  await eachLine(child.stdout, (line, isCut) => {
    if (isCut === true) intake.record('unreadable', account)
    else if (line !== '') intake.record(journalRecord(line, intake.reader), account)
  }).catch(() => undefined)
  const end = await ended
  const said = oneLine(joinLines(complaint.trim()))
  if (end !== undefined || said !== '') {
    account.problem = [end, said].filter((each) => each !== undefined && each !== '').join(': ')
  }
  return account
}

function endOf(code: number | null, signal: NodeJS.Signals | null, limitMs: number): string | undefined {
  if (signal === 'SIGTERM') return `journalctl took longer than ${limitMs / 1_000} s`
  if (code === 0) return undefined
  return `journalctl ended with ${signal ?? `status ${code}`}`
}

/** Reads an entry in journalctl's JSON (journalctl(1), `-o json`). */
export function journalRecord(line: string, reader: LogReader): LogRecord | NoRecord {
  let entry: Readonly<Record<string, unknown>>
  try {
    entry = JSON.parse(line) as typeof entry
  } catch {
    return 'unreadable'
  }
  const { MESSAGE: message, __REALTIME_TIMESTAMP: stamp, POSTERN_DOOR: door, POSTERN_USER: user } = entry ?? {}
  const time = typeof stamp === 'string' && /^\d{1,18}$/.test(stamp) ? Number(stamp) / MICROSECONDS_PER_MS : NaN
  const text = textOf(message)
  if (text === undefined || Number.isNaN(time)) return 'unreadable'
  const isDoor = typeof door === 'string' ? (name: string): boolean => name === oneLine(door) : undefined
  const record = isDoor === undefined ? reader.text(text, time) : reader.text(text, time, isDoor)
  if (record === 'ambiguous') return record
  const { fact } = record
  const lacksUser = (fact.kind === 'open' || fact.kind === 'failed') && fact.user === undefined
  return lacksUser && typeof user === 'string' ? { ...record, fact: { ...fact, user: oneLine(user) } } : record
}

/** Returns a message that journalctl gives as text, or as bytes if it is not plain UTF-8. */
function textOf(message: unknown): string | undefined {
  if (typeof message === 'string') return message
  const isBytes = Array.isArray(message) && message.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)
  return isBytes ? Buffer.from(message as number[]).toString('utf8') : undefined
}
