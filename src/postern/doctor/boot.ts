import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import { IPTABLES } from '../../twin/rules.ts'
import type { Rules } from '../../twin/rules.ts'
import type { Finding } from './finding.ts'

/** The services that load rules when a machine starts. */
const LOADERS = ['nftables', 'netfilter-persistent', 'iptables', 'ip6tables', 'ufw', 'firewalld', 'ferm', 'shorewall']
const SYSTEMD_FOLDER = '/etc/systemd/system'
const OPENRC_FOLDER = '/etc/runlevels'
/** The names of the tables that the daemon and `postern firewall` load. */
const OURS = /^inet postern/

/** The names of the services that start with the machine; `undefined` if they are unknown. */
export type Started = ReadonlySet<string> | undefined

/** Reads which services systemd or OpenRC starts. */
export function startedAtBoot(root = '/'): Started {
  const names = new Set<string>()
  let known = false
  for (const [folder, ending] of [
    [SYSTEMD_FOLDER, '.service'],
    [OPENRC_FOLDER, ''],
  ] as const) {
    const path = join(root, folder)
    if (!existsSync(path)) continue
    known = true
    for (const level of readdirSync(path, { withFileTypes: true })) {
      if (!level.isDirectory()) continue
      for (const name of readdirSync(join(path, level.name))) names.add(name.replace(ending, ''))
    }
  }
  return known ? names : undefined
}

/** The rules of Postern that are loaded when the machine starts. */
export interface Loaded {
  readonly base: readonly string[]
  /** The ports that the base ruleset leaves to the guard, as text; empty if there are none or they are unknown. */
  readonly guarded: string
  /** The command that has the confirmed ruleset loaded as well; `undefined` if it is, or none was confirmed. */
  readonly persistCommand: Remedy | undefined
}

/**
 * Finds rules that a restart of the machine loses, and a daemon that does not start with the machine.
 *
 * @param openFile the config if a door is open now: a saved rule of the opening would stay forever
 */
export function judgeBoot(
  { saved, tables }: Rules,
  started: Started,
  loaded?: Loaded,
  openFile?: string,
): readonly Finding[] {
  if (started === undefined) {
    return [{ severity: 'note', subject: 'boot', message: 'cannot tell which services start with this machine' }]
  }
  const findings: Finding[] = []
  const byIptables = IPTABLES.some((kind) => /^-A |^:\S+ DROP/m.test(saved[kind]))
  const byNft = tables.some(({ name }) => !OURS.test(name))
  if ((byIptables || byNft) && !LOADERS.some((name) => started.has(name))) {
    const fix = keeping({ saved, tables }, byIptables)
    const gone = 'the rules in force are gone when the machine starts again: nothing loads them'
    const [message, right] =
      openFile === undefined
        ? [`${gone}; save them while no door is open`, fix]
        : [
            `${gone}; save them once no door is open, as what is open now would be saved too`,
            REMEDIES.lookAtStatus(openFile),
          ]
    findings.push({ severity: 'warning', subject: 'boot', message, fix: right })
  }
  const base = loaded?.base[0]
  if (base !== undefined && !started.has('nftables')) {
    const message = `${base} is not loaded when the machine starts: nftables does not start with it`
    findings.push({ severity: 'warning', subject: 'boot', message, fix: REMEDIES.enable('nftables') })
  }
  if (loaded?.persistCommand !== undefined) {
    const message = 'the base ruleset is not loaded when the machine starts: it was confirmed without --persist'
    findings.push({ severity: 'warning', subject: 'boot', message, fix: loaded.persistCommand })
  }
  if (!started.has('knockd')) {
    // The base ruleset and the guard let nobody in if they are loaded without a daemon.
    const shut = base === undefined || loaded?.guarded === '' ? '' : `, and ${base} locks everybody out`
    const ports = shut === '' ? '' : ` at ${loaded?.guarded}`
    const message = `knockd does not start with the machine: nobody could knock then${shut}${ports}`
    const severity = shut === '' ? 'warning' : 'fault'
    findings.push({ severity, subject: 'boot', message, fix: REMEDIES.enable('knockd') })
  }
  return findings
}

/** Returns the command that saves the rules. It uses ufw or firewalld if they made the rules. */
function keeping({ saved, tables }: Pick<Rules, 'saved' | 'tables'>, byIptables: boolean): Remedy {
  if (IPTABLES.some((kind) => saved[kind].includes(':ufw-user-input '))) return REMEDIES.enable('ufw')
  if (tables.some(({ name }) => name === 'inet firewalld')) return REMEDIES.enable('firewalld')
  if (byIptables) return REMEDIES.saveIptables()
  return REMEDIES.saveNft(tables.map(({ name }) => name).filter((name) => !OURS.test(name)))
}
