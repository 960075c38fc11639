import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { CONFIG_UNUSABLE, DONE, FAILED } from '../../cli/exit-code.ts'
import { Failure, failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import type { Config } from '../../config/config.ts'
import { LogReader } from '../../log/read-log.ts'
import { oneLine } from '../../log/line.ts'
import { isDoorOf } from '../../log/read-text.ts'
import { configOf } from '../config-of.ts'
import type { ReportArguments } from './arguments.ts'
import { contentsOf } from './contents.ts'
import type { Contents } from './contents.ts'
import { expectedOf } from './expected.ts'
import { readCaptureFile } from './input/capture.ts'
import { readDaemon } from './input/daemon.ts'
import { Intake } from './input/intake.ts'
import type { InputAccount } from './input/intake.ts'
import { hasJournal, readJournal } from './input/journal.ts'
import { logFilesOf, readLogFile } from './input/log-files.ts'
import { jsonOf } from './json.ts'
import { startOf } from '../../cli/since.ts'
import type { Since } from '../../cli/since.ts'
import { Tally } from './tally.ts'
import { textOf } from './text.ts'
import { zoneText } from './times.ts'

const SINCE_DEFAULT: Since = { agoMs: 7 * 86_400_000 }
/** The files of the system log: Debian's, and that of other systems. */
const SYSTEM_LOGS = ['/var/log/syslog', '/var/log/messages']

/** Where a report reads. */
type Origin =
  | { readonly kind: 'log'; readonly files: readonly string[] }
  | { readonly kind: 'journal' }
  | { readonly kind: 'daemon' }
  | { readonly kind: 'capture'; readonly file: string }

/** Runs `postern report`, and returns the exit code. */
export async function report(asked: ReportArguments, output: Output): Promise<number> {
  let config: Config | undefined
  const notes: string[] = []
  try {
    config = configOf(asked.config)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (needsConfig(asked)) {
      output.err(faultText('postern', error.message, `${error.hint ?? ''}\n  or name a log: --log FILE`.trim()))
      return CONFIG_UNUSABLE
    }
    const [why = ''] = error.message.split('\n')
    notes.push(
      `Without the config it is not known which doors nobody used, which users did not come, and how many one-time sequences are left (${oneLine(why)}).`,
    )
  }
  try {
    const contents = await read(asked, config, notes)
    if (asked.html !== undefined) {
      const { writePage } = await import('./page/write.ts')
      await writePage(asked.html, contents, output)
      for (const { name, problem } of contents.inputs) {
        if (problem !== undefined) output.err(faultText('postern', `${name}: ${problem}`))
      }
    }
    if (asked.json) output.out(jsonOf(contents))
    else if (asked.html === undefined) output.out(textOf(contents))
    return contents.isWhole ? DONE : FAILED
  } catch (error) {
    return failed(error, output)
  }
}

function needsConfig({ log, journal, capture }: ReportArguments): boolean {
  return capture !== undefined || (log.length === 0 && !journal)
}

async function read(asked: ReportArguments, config: Config | undefined, notes: readonly string[]): Promise<Contents> {
  const now = Date.now()
  const origin = originOf(asked, config)
  const isCapture = origin.kind === 'capture'
  const since = asked.since ?? (isCapture ? undefined : SINCE_DEFAULT)
  const from = since === undefined ? undefined : startOf(since, now)
  const interfaces = asked.interface.flat()
  const expected = config === undefined ? undefined : expectedOf(config, interfaces)
  const tally = new Tally(from ?? -Infinity)
  const intake = new Intake(new LogReader(expected === undefined ? undefined : isDoorOf(expected.doors), now), tally)
  const frame = {
    machine: oneLine(hostname()),
    zone: zoneText(now),
    made: now,
    from,
    endsWithInput: isCapture,
    notes: [...notes],
  }
  const inputs: InputAccount[] = []
  if (origin.kind === 'capture') inputs.push(await readCaptureFile(origin.file, config!, intake))
  else if (origin.kind === 'journal') inputs.push(await readJournal(from!, intake))
  else if (origin.kind === 'daemon') {
    inputs.push(await readDaemon({ config: asked.config, interfaces, agoMs: now - from! }, intake))
  } else {
    // A rotated file that is named, too, is read once.
    const done = new Set<string>()
    for (const file of origin.files) {
      const { paths, unread } = logFilesOf(file, from!)
      for (const path of paths.filter((each) => !done.has(resolve(each)))) {
        done.add(resolve(path))
        inputs.push(await readLogFile(path, intake))
      }
      for (const path of unread) {
        frame.notes.push(`${oneLine(path)} is not read: only gzip's compression is known.`)
      }
    }
    frame.notes.push(...notesOfForms(intake.reader.forms))
  }
  return contentsOf(frame, tally, inputs, expected)
}

/** Returns where a report reads, by default where the config logs to. */
function originOf({ log, journal, daemon, capture }: ReportArguments, config: Config | undefined): Origin {
  if (log.length > 0) return { kind: 'log', files: log }
  if (journal) return { kind: 'journal' }
  if (daemon) return { kind: 'daemon' }
  if (capture !== undefined) return { kind: 'capture', file: capture }
  const { logFile, useSyslog } = config!.options
  if (logFile !== undefined) return { kind: 'log', files: [logFile] }
  if (!useSyslog) return { kind: 'daemon' }
  if (hasJournal()) return { kind: 'journal' }
  const files = SYSTEM_LOGS.filter((file) => existsSync(file))
  if (files.length > 0) return { kind: 'log', files: files.slice(0, 1) }
  throw new Failure(
    'the config logs to the system log, and there is neither a journal nor a system log',
    'name a log: --log FILE',
  )
}

/** Says what the forms of the lines do not have. */
function notesOfForms({ knockd, syslog }: LogReader['forms']): readonly string[] {
  const notes: string[] = []
  if (knockd > 0) notes.push("Lines in knockd's format have times in minutes, and fewer reasons than LogFormat = json.")
  if (syslog > 0) {
    notes.push('Every program of that machine can write lines of knockd into the system log (logger -t knockd).')
  }
  return notes
}
