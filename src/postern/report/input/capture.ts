import { closeSync, openSync } from 'node:fs'
import type { Config } from '../../../config/config.ts'
import { fileErrorOf } from '../../../file/file-error.ts'
import { trustDaemon } from '../../../file/private-group.ts'
import { factOf } from '../../../log/fact.ts'
import { readAgain, takeAll } from '../../replay/capture-pass.ts'
import { Replayer } from '../../replay/replayer.ts'
import { accountOf } from './intake.ts'
import type { InputAccount, Intake } from './intake.ts'

/** The most warnings of a replay that are kept. */
const WARNINGS_MAX = 20

/** Runs a capture through the doors of a config, as `postern replay` does, and takes what would have happened. */
export async function readCaptureFile(path: string, config: Config, intake: Intake): Promise<InputAccount> {
  const account = accountOf(path === '-' ? 'a capture from standard input' : `the capture ${path}`)
  account.notes.push(
    'A capture has packets, not openings: these are the openings that the present config would have made.',
  )
  let warnings = 0
  const warn = (text: string): void => {
    if (++warnings <= WARNINGS_MAX) account.notes.push(`Replaying the capture: ${text}.`)
  }
  let fd: number | undefined
  try {
    trustDaemon()
    fd = path === '-' ? 0 : openSync(path, 'r')
    const from = fd
    const replayer = await Replayer.start({
      config,
      own: undefined,
      onlyIp4: false,
      tell: (event, time) => intake.record({ time, fact: factOf(event) }, account),
      warn,
    })
    const read = (buffer: Uint8Array, offset: number, length: number): number => readAgain(from, buffer, offset, length)
    const seen = await takeAll(read, replayer, warn)
    if (seen.end !== undefined) replayer.advance(seen.end)
    Object.assign(account, { lines: seen.frames, first: seen.first, last: seen.last, problem: seen.failure })
    if (replayer.cut > 0) {
      account.problem ??= `${replayer.cut} frames are cut too short to tell whether they are knocks`
    }
    if (seen.strange) account.problem ??= 'frames of a link type that cannot be decoded were left out'
  } catch (error) {
    account.problem = fileErrorOf(path, error).fault
  } finally {
    if (fd !== undefined && fd !== 0) closeSync(fd)
  }
  return account
}
