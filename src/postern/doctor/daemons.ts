import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { CONFIG_DEFAULT } from '../../cli/option.ts'
import { quote } from '../../text/fault.ts'
import { exposedText } from '../../control/message.ts'
import type { InterfaceStatus, Status } from '../../control/message.ts'
import { timeText } from '../control/table.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** A knockd that runs in this network namespace. */
export interface Running {
  readonly pid: number
  readonly command: string
  /** The config of Postern's daemon; absent for another knockd. */
  readonly config?: string
}

/** Returns the running knockds, Postern's and others. Without root only those that this user can see are listed. */
export function runningDaemons(): readonly Running[] {
  const here = linkOf('self/ns/net')
  return readdirSync('/proc').flatMap((name): readonly Running[] => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || linkOf(`${name}/ns/net`) !== here) return []
    const words = commandOf(name)
    if (!isKnockd(words)) return []
    const command = words.join(' ')
    const config = /^(?:-c|--config=?)(.*)$/
    const at = words.findIndex((word) => config.test(word))
    const named = config.exec(words[at] ?? '')?.[1] || words[at + 1]
    const file = resolve(linkOf(`${name}/cwd`) ?? '/', at < 0 ? CONFIG_DEFAULT : (named ?? CONFIG_DEFAULT))
    return [{ pid, command, ...(isNode(name) ? { config: file } : {}) }]
  })
}

/** Returns true for a command line of knockd: the program itself, or node with Postern's script. */
export function isKnockd([program = '', ...args]: readonly string[]): boolean {
  if (basename(program.split(' ', 1)[0]!) === 'knockd') return true
  if (!/^node(?:js)?$/.test(basename(program))) return false
  const script = args.find((word) => !word.startsWith('-'))
  return script !== undefined && /^knockd(?:\.js)?$/.test(basename(script))
}

/** Returns true if a process runs in node. Debian's knockd does not. */
function isNode(pid: string): boolean {
  return /^node(?:js)?(?: |$)/.test(basename(linkOf(`${pid}/exe`) ?? ''))
}

/** @param link below /proc */
function linkOf(link: string): string | undefined {
  try {
    return readlinkSync(`/proc/${link}`)
  } catch {
    return undefined
  }
}

function commandOf(pid: string): readonly string[] {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
    // Postern's knockd has all its words in the first one (setproctitle(3)).
    return words.length === 1 ? words[0]!.split(' ') : words
  } catch {
    return []
  }
}

/**
 * Finds a missing daemon for this config, one that does not answer, and other knockds.
 *
 * @param own the status of the daemon with this config; `undefined` if none answers
 */
export function judgeDaemons(running: readonly Running[], own: Status | undefined, file: string): readonly Finding[] {
  const others = running.filter(({ pid }) => pid !== own?.pid)
  const findings = others.map(({ pid, command, config }): Finding => {
    if (own === undefined && config === resolve(file)) {
      const message = `knockd, process ${pid}, runs with ${file} and does not answer`
      return { severity: 'fault', subject: 'knockd', message, fix: REMEDIES.lookAtStatus(file) }
    }
    // One with doors of its own may be meant: ending it would leave its ports hidden, and nobody could knock.
    if (config !== undefined && config !== resolve(file) && !/\p{C}/u.test(config)) {
      const message = `another knockd runs, process ${pid}, with ${quote(config)}: a sequence that both have opens twice`
      return { severity: 'warning', subject: 'another knockd', message, fix: REMEDIES.lookAtStatus(config) }
    }
    const message = `another knockd runs, process ${pid} (${quote(command)}): both run their commands for one knock`
    return { severity: 'fault', subject: 'another knockd', message, fix: REMEDIES.end(pid) }
  })
  if (own !== undefined || others.some(({ config }) => config === resolve(file))) return findings
  const message = `no knockd runs with ${file}, so no knock opens anything`
  return [{ severity: 'fault', subject: 'knockd', message, fix: REMEDIES.start(file) }, ...findings]
}

/** The reasons for waiting for an interface that {@link judgeInterfaces} reports as well. */
const SEEN_ELSEWHERE = /^(?:no such interface|is down)$/

/** Finds lossy or deaf captures, a missing guard, exposed ports, faults of knockd and its journal, and shut doors. */
export function judgeRunning({
  interfaces,
  journal,
  guard,
  exposed,
  config,
  faults,
  doors,
}: Status): readonly Finding[] {
  const findings = interfaces
    .filter(({ dropped = 0 }) => dropped > 0)
    .map(({ name, received = 0, dropped = 0 }): Finding => {
      const message = `${name}: ${dropped} packets were lost of ${received + dropped}: knocks among them come to nothing`
      return {
        severity: 'warning',
        subject: 'capture',
        message,
        fix: REMEDIES.moreTime(),
      }
    })
  for (const { name, deaf, waiting } of interfaces) {
    if (deaf !== undefined) findings.push(wasDeaf(name, deaf))
    if (waiting !== undefined && !SEEN_ELSEWHERE.test(waiting)) {
      const message = `${name}: nothing is captured, so no knock is seen there: ${waiting}`
      findings.push({ severity: 'fault', subject: 'capture', message, fix: REMEDIES.lookAtSockets() })
    }
  }
  if (guard?.fault !== undefined) {
    const message = `the guard is not in force: ${guard.fault}`
    findings.push({ severity: 'fault', subject: 'guard', message, fix: REMEDIES.lookAtRules() })
  }
  for (const { service } of exposed) {
    const fix = REMEDIES.edit(config, 1)
    findings.push({ severity: 'warning', subject: 'guard', message: exposedText(service), fix })
  }
  if (faults !== undefined) {
    const many = faults.count === 1 ? 'an internal error' : `${faults.count} internal errors`
    const message = `knockd had ${many}, the last ${timeText(faults.agoMs)} ago, and may not work in full; please report it: ${faults.last}`
    findings.push({ severity: 'warning', subject: 'knockd', message, fix: REMEDIES.restart() })
  }
  if (journal !== undefined) {
    const message = `the journal cannot be written, so timed doors stay shut: ${journal}`
    findings.push({ severity: 'fault', subject: 'state', message, fix: REMEDIES.lookAtDisk() })
  }
  for (const { shut } of doors) {
    if (shut === undefined) continue
    // No command is offered that accepts the loss: the users need new keys first.
    const message = shut.replaceAll('\n', '; ')
    findings.push({ severity: 'fault', subject: 'state', message, fix: REMEDIES.readOfLoss() })
  }
  return findings
}

function wasDeaf(name: string, { reason, agoMs, times }: NonNullable<InterfaceStatus['deaf']>): Finding {
  const often = times === 1 ? '' : `, ${times} times in a day`
  const message = `${name}: the capture was deaf until ${timeText(agoMs)} ago${often}: ${reason}: knocks may have gone unheard; find the programs that have packet sockets`
  return { severity: 'warning', subject: 'capture', message, fix: REMEDIES.lookAtSockets() }
}
