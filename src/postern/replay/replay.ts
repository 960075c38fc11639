import { closeSync, fstatSync, openSync } from 'node:fs'
import { CONFIG_UNUSABLE, DONE, FAILED } from '../../cli/exit-code.ts'
import type { Output } from '../../cli/output.ts'
import type { Config } from '../../config/config.ts'
import { entryOf, sourceOf } from '../../log/format.ts'
import { jsonLine, plainText } from '../../log/line.ts'
import { zonedTime } from '../../log/time.ts'
import { formatFault } from '../../text/fault.ts'
import { formatAddress } from '../../packet/address.ts'
import { reasonOf } from '../../file/file-error.ts'
import { trustDaemon } from '../../file/private-group.ts'
import { examine } from '../check/check.ts'
import type { ReplayArguments } from './arguments.ts'
import { readAgain, takeAll } from './capture-pass.ts'
import { Progress } from './progress.ts'
import { Replayer } from './replayer.ts'
import { summaryJson, summaryText } from './summary.ts'

/** The number of characters of output that are collected before they are written. */
const GATHERED_CHARS = 65_536
/**
 * Runs `postern replay`, and returns the exit code. Events go to standard output. Progress and faults of the file go to
 * standard error.
 */
export async function replay(asked: ReplayArguments, output: Output): Promise<number> {
  trustDaemon()
  const { config, faults } = examine(asked.config)
  if (config === undefined) {
    output.err(`${faults.map((fault) => formatFault(asked.config, fault)).join('\n')}\n`)
    return CONFIG_UNUSABLE
  }
  let fd: number
  try {
    fd = asked.file === '-' ? 0 : openSync(asked.file, 'r')
  } catch (error) {
    output.err(`postern: ${asked.file}: cannot be read: ${reasonOf(error)}\n`)
    return FAILED
  }
  try {
    return await run(asked, config, fd, output)
  } finally {
    if (fd !== 0) closeSync(fd)
  }
}

async function run(asked: ReplayArguments, config: Config, fd: number, output: Output): Promise<number> {
  const { json } = asked
  const sources = asked.source.length === 0 ? undefined : new Set(asked.source.map(formatAddress))
  const name = asked.file === '-' ? 'standard input' : asked.file
  const progress = progressOn(fd)
  let gathered = ''
  let bytes = 0
  const flush = (): void => {
    if (gathered === '') return
    progress?.clear()
    output.out(gathered)
    gathered = ''
  }
  const complain = (text: string): void => {
    flush()
    progress?.clear()
    output.err(`postern: ${text}\n`)
  }
  const replayer = await Replayer.start({
    config,
    own: asked.own.length === 0 ? undefined : asked.own,
    onlyIp4: asked['only-ip-v4'],
    tell: (event, time) => {
      // Explanations of no door are about packets without effect.
      if (event.kind === 'explanation' && event.door === undefined && !asked.all) return
      if (sources?.has(sourceOf(event) ?? '') === false) return
      const entry = entryOf(event, time)
      gathered += json
        ? jsonLine(entry, undefined)
        : `${zonedTime(time, 'milliseconds')} ${plainText(entry, undefined)}\n`
      if (gathered.length >= GATHERED_CHARS) flush()
    },
    warn: complain,
  })
  const read = (buffer: Uint8Array, offset: number, length: number): number => {
    const count = readAgain(fd, buffer, offset, length)
    bytes += count
    progress?.at(bytes)
    return count
  }
  const seen = await takeAll(read, replayer, (text) => complain(`${name}: ${text}`))
  flush()
  progress?.clear()
  if (seen.end !== undefined) replayer.advance(seen.end)
  flush()
  const all = replayer.accounts.all
  const { frames, first, last, failure } = seen
  const { looked, cut, opened } = replayer
  const whole = failure === undefined && cut === 0 && !seen.strange
  const summary = {
    file: name,
    config: asked.config,
    frames,
    first,
    last,
    failure,
    whole,
    looked,
    cut,
    opened,
    sources: sources === undefined ? all : all.filter(({ source }) => sources.has(source)),
    incomplete: replayer.accounts.leftOut,
    underWay: replayer.underWay,
    open: replayer.standing,
  }
  output.out(json ? summaryJson(summary) : summaryText(summary))
  if (failure !== undefined) output.err(`postern: ${name} ${failure}\n`)
  if (cut > 0) output.err(`postern: ${name}: ${cut} ${TOO_SHORT}\n`)
  return whole ? DONE : FAILED
}

const TOO_SHORT = `frames are cut too short to tell whether they are knocks
  tcpdump -s 0 captures them whole`

function progressOn(fd: number): Progress | undefined {
  if (!process.stderr.isTTY) return undefined
  const stat = fstatSync(fd)
  const screen = { write: (text: string) => void process.stderr.write(text), now: () => performance.now() }
  return new Progress(screen, stat.isFile() ? stat.size : undefined)
}
