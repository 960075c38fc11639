import { presentStatus } from '../control/present-status.ts'
import { defaultInterface } from '../../capture/route.ts'
import { CONFIG_UNUSABLE, DONE, FAILED } from '../../cli/exit-code.ts'
import type { Output } from '../../cli/output.ts'
import type { Config } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import { formatFault } from '../../text/fault.ts'
import type { Status } from '../../control/message.ts'
import { STATE_DIR_DEFAULT } from '../../daemon/state-path.ts'
import { listeningPorts } from '../../host/listening.ts'
import { TCP } from '../../packet/packet.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Port, Remedy } from '../../remedy/remedies.ts'
import { inForce } from '../allowance.ts'
import { examine } from '../check/check.ts'
import { faultsOfFleet } from '../check/fleet.ts'
import { faultsOfHidden } from '../hidden.ts'
import { hiding } from '../hiding.ts'
import { run } from '../../twin/agent.ts'
import { linksIn } from '../../twin/machine.ts'
import type { Link } from '../../twin/machine.ts'
import { portsOfDoors } from '../../twin/ports.ts'
import { readWhole } from '../rehearse/real-files.ts'
import { rulesTextOf, takeRules } from '../../twin/rules.ts'
import type { DoctorArguments } from './arguments.ts'
import { judgeBase, loadedBase } from './base.ts'
import { judgeBoot, startedAtBoot } from './boot.ts'
import { judgeClock, watchClock } from './clock.ts'
import { judgeDaemons, judgeRunning, runningDaemons } from './daemons.ts'
import { judgeEstablished } from './established.ts'
import { examineFleet } from './fleet/fleet.ts'
import { asJson, asText, sorted } from './finding.ts'
import type { Finding } from './finding.ts'
import { installationOf, judgeInstallation, thisInstallation } from './installation.ts'
import { judgeInterfaces, watchedOf } from './interfaces.ts'
import { judgeKernelFiles } from './kernel-file.ts'
import { judgeListening } from './listening.ts'
import { judgePermissions } from './permissions.ts'
import { judgeLibraries, judgePrograms } from './programs.ts'
import { judgePublished } from './published.ts'
import { judgeReached, judgeShut, tryReach } from './reach.ts'
import { judgeServed } from './served.ts'

/** The folders of administration programs, which some users do not have in PATH. */
const ADMIN_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin'
/** The interface that knockd listens on by default. */
const CLASSIC_INTERFACE = 'eth0'
/** The faults of a check that doctor reports itself, in more detail. */
const ALSO_HERE =
  /everyone on this machine can|a program listens on this port|there is no program `\/|`\/[^`]*` cannot be run/

/** Runs `postern doctor`, and returns the exit code. */
export async function doctor(asked: DoctorArguments, output: Output): Promise<number> {
  const { config: file, json } = asked
  const { config, faults } = examine(file)
  if (config === undefined) {
    output.err(`${faults.map((fault) => formatFault(file, fault)).join('\n')}\n`)
    return CONFIG_UNUSABLE
  }
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:${ADMIN_FOLDERS}`
  const machine = await examineMachine(config, asked.interface.flat())
  const findings = sorted([
    ...machine,
    ...(await examineFleet(config)),
    ...ofCheck([...faults, ...(await faultsOfHidden(config)), ...(await faultsOfFleet(config))], file),
  ])
  output.out(json ? asJson(file, findings) : asText(file, findings))
  return findings.some(({ severity }) => severity !== 'note') ? FAILED : DONE
}

async function examineMachine(config: Config, names: readonly string[]): Promise<readonly Finding[]> {
  const own = await presentStatus(config.file, names)
  const watching = watchClock()
  const { stdout } = await run(['ip', '-j', 'addr', 'show'])
  const links = linksIn(stdout === '' ? '[]' : stdout)
  const listenOn = listenedOn(names.length > 0 ? names : config.options.interfaces, links)
  const byLooking = [
    ...judgeInterfaces(
      watchedOf(listenOn, links),
      links.map(({ name }) => name),
    ),
    ...judgeDaemons(runningDaemons(), own, config.file),
    ...(own === undefined ? [] : judgeRunning(own)),
    ...judgeLibraries(config),
    ...judgePrograms(config),
    ...judgePermissions(config, STATE_DIR_DEFAULT),
    ...ofInstallations(own),
    ...judgeListening(config, listeningPorts()),
  ]
  return [...byLooking, ...(await ofRules(config, links, listenOn, own)), ...judgeClock(await watching)]
}

/** Checks the installation of this program, and that of the daemon if it is another one. */
function ofInstallations(own: Status | undefined): readonly Finding[] {
  const running = own === undefined ? undefined : installationOf(own)
  const findings = [thisInstallation(), ...(running === undefined ? [] : [running])].flatMap((one) =>
    judgeInstallation(one),
  )
  return findings.filter(({ message }, index) => findings.findIndex((other) => other.message === message) === index)
}

async function ofRules(
  config: Config,
  links: readonly Link[],
  listenOn: readonly string[],
  own: Status | undefined,
): Promise<readonly Finding[]> {
  if (process.geteuid?.() !== 0) {
    const message = 'only root can see the rules in force: sudo postern doctor checks them too'
    return [{ severity: 'note', subject: 'rules', message }]
  }
  const rules = await takeRules(run)
  const text = readWhole(config.file)
  const rulesText = rulesTextOf(rules)
  const listening = listeningPorts()
  const findings = [
    ...judgeEstablished(rules, portsOfDoors(config, rulesText)),
    ...(await judgeBase(config)),
    ...judgeKernelFiles(config),
    ...judgeBoot(
      rules,
      startedAtBoot(),
      loadedBase(),
      own !== undefined && own.openings.length > 0 ? config.file : undefined,
    ),
    ...judgePublished(config, text, rules, own?.pid),
    ...judgeServed(config, listening, rulesText),
  ]
  const usable = links.filter(({ addresses }) => addresses.length > 0)
  const watched = usable.find(({ name }) => listenOn.includes(name)) ?? usable[0]
  if (watched === undefined) return findings
  try {
    const tcp = [...listening[TCP]]
    const { reached, shut, notCopied } = await tryReach(config, { links, watched }, rules, tcp)
    const notes = notCopied.map((message): Finding => ({ severity: 'note', subject: 'rules', message }))
    const clues = { rules: rulesText, listening: () => tcp }
    const hide = (ports: readonly Port[]): Remedy => hiding(ports, { config, text, clues, pid: own?.pid })
    const told = new Set(findings.map(({ fix }) => fix))
    const stay = judgeShut(shut, inForce(rules, watched.name, config), rules).filter(
      ({ fix }) => fix === undefined || !told.has(fix),
    )
    return [...findings, ...judgeReached(reached, config, rules, hide), ...stay, ...notes]
  } catch (error) {
    const message = `cannot test whether ports are open without a knock: ${(error as Error).message}`
    return [...findings, { severity: 'note', subject: 'rules', message }]
  }
}

function listenedOn(names: readonly string[], links: readonly Link[]): readonly string[] {
  if (names.length > 0) return names
  if (links.some(({ name }) => name === CLASSIC_INTERFACE)) return [CLASSIC_INTERFACE]
  return [defaultInterface() ?? CLASSIC_INTERFACE]
}

function ofCheck(faults: readonly Fault[], file: string): readonly Finding[] {
  return faults
    .filter(({ message }) => !ALSO_HERE.test(message))
    .map(({ message, hint, line, file: its = file }): Finding => {
      const text = `${its}:${line}: ${message}${hint === undefined ? '' : `; ${hint}`}`
      return {
        severity: 'warning',
        subject: 'config',
        message: text,
        fix: REMEDIES.edit(its, line),
      }
    })
}
