import { presentStatus } from '../control/present-status.ts'
import { delimiter } from 'node:path'
import { CONFIG_UNUSABLE, DONE, FAILED, SIGNALLED, USAGE } from '../../cli/exit-code.ts'
import { Failure, failed } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import type { Config, Reading } from '../../config/config.ts'
import { formatFault } from '../../text/fault.ts'
import type { Family } from '../../packet/address.ts'
import { listeningPorts } from '../../host/listening.ts'
import { TCP } from '../../packet/packet.ts'
import { allowing } from '../../firewall/allow.ts'
import type { Port } from '../../remedy/remedies.ts'
import { inForce } from '../allowance.ts'
import { examine } from '../check/check.ts'
import { hiding } from '../hiding.ts'
import { PROGRAM_FOLDERS, programPath } from '../program-path.ts'
import { run } from '../../twin/agent.ts'
import type { Asked } from './arguments.ts'
import type { Culprit } from '../../twin/cause/culprit.ts'
import { diagnose } from './diagnosis.ts'
import { lookAtMachine } from '../../twin/machine.ts'
import type { Machine } from '../../twin/machine.ts'
import type { Namespace } from '../../twin/namespace.ts'
import { Rehearsal } from './rehearsal.ts'
import { readWhole } from './real-files.ts'
import { placedDoors } from '../../lint/placed-door.ts'
import { asJson, asText, isGood, joinFamilies } from './report.ts'
import type { Report } from './report.ts'
import { firstDifference, rulesTextOf, takeRules } from '../../twin/rules.ts'
import type { Rules } from '../../twin/rules.ts'
import { Twin } from '../../twin/twin.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs `postern rehearse`, and returns the exit code. The report goes to standard output, progress to standard error. */
export async function rehearse(asked: Asked, output: Output): Promise<number> {
  const reading = examine(asked.file)
  if (reading.config === undefined) {
    output.err(`${reading.faults.map((fault) => formatFault(asked.file, fault)).join('\n')}\n`)
    return CONFIG_UNUSABLE
  }
  const unknown = [...asked.doors, ...asked.ports.keys()].find((name) => !hasDoor(reading.config!, name))
  if (unknown !== undefined) {
    output.err(`postern: ${asked.file} has no door ${unknown}\n`)
    return USAGE
  }
  if (process.geteuid?.() !== 0) {
    throw new Failure('only root can rehearse a config: that makes network namespaces', 'sudo postern rehearse')
  }
  findPrograms()
  try {
    const { report, signal } = await rehearsed(asked, reading, reading.config, output)
    output.out(asked.json ? asJson(report) : asText(report))
    if (signal !== undefined) return SIGNALLED[signal]
    return isGood(report) ? DONE : FAILED
  } catch (error) {
    return failed(error, output)
  }
}

/** Makes the folders for administration known, where root's own PATH lacks them. */
export function findPrograms(): void {
  process.env['PATH'] = [process.env['PATH'] ?? '', ...PROGRAM_FOLDERS].join(delimiter)
}

function hasDoor({ doors }: Config, name: string): boolean {
  return doors.some((door) => door.name === name)
}

/** A rehearsal that is over. */
export interface Rehearsed {
  readonly report: Report
  /** The signal that ended it early. */
  readonly signal: (typeof SIGNALS)[number] | undefined
}

/** Tries a config on a copy of this machine's firewall. Progress goes to standard error. @throws Error without a copy */
export async function rehearsed(asked: Asked, reading: Reading, config: Config, output: Output): Promise<Rehearsed> {
  const text = readWhole(asked.file)
  const names = asked.interfaces.length > 0 ? asked.interfaces : config.options.interfaces
  const machine = await lookAtMachine(run, names)
  const letIn = await sourcesLetIn(config.file, asked.interfaces)
  const rules = await takeRules(run)
  const made: Namespace[] = []
  let signal: (typeof SIGNALS)[number] | undefined
  const handlers = SIGNALS.map((name) => {
    const handler = (): void => {
      signal = name
      for (const namespace of made) namespace.destroy()
    }
    process.on(name, handler)
    return [name, handler] as const
  })
  const rulesText = rulesTextOf(rules)
  const { alwaysAllow } = config.options
  let rehearsals: readonly Rehearsal[] = []
  let broken: string | undefined
  try {
    const setting = { machine, rules, rulesText, alwaysAllow, from: asked.from, run }
    const say = (line: string): void => output.err(`postern: ${line}\n`)
    const set = async (family: Family): Promise<Rehearsal> => {
      const twin = await Twin.set(setting, (namespace) => {
        made.push(namespace)
        if (signal !== undefined) namespace.destroy()
      })
      return new Rehearsal(twin, family, { asked, config, text, rulesText, say })
    }
    rehearsals = await everyOne(familiesOf(machine).map(set))
    await everyOne(rehearsals.map(async (rehearsal) => await rehearsal.perform()))
  } catch (error) {
    if (rehearsals.length === 0 && signal === undefined) throw error
    broken = signal === undefined ? (error as Error).message : `ended by ${signal}`
  } finally {
    await Promise.all(made.map(async (namespace) => await namespace.close()))
    for (const [name, handler] of handlers) process.off(name, handler)
  }
  const rulesAfter = await takeRules(run)
  const sources = [...letIn, ...(await sourcesLetIn(config.file, asked.interfaces))]
  const changed = firstDifference(rules, rulesAfter, sources)
  return { report: reportOf({ asked, config, rules, reading, text, machine, rehearsals, changed, broken }), signal }
}

/** Returns the address families of the machine. Each is tried on a copy of its own, both at the same time. */
function familiesOf({ watched }: Machine): readonly Family[] {
  const has = new Set(watched.addresses.map(({ address }) => address.family))
  return has.size === 0 ? [4] : ([4, 6] as const).filter((family) => has.has(family))
}

/** Waits for all promises, even if one fails, so that no work goes on unnoticed. @throws the first error */
async function everyOne<Result>(promises: readonly Promise<Result>[]): Promise<readonly Result[]> {
  await Promise.allSettled(promises)
  return await Promise.all(promises)
}

/** Returns the addresses that the daemon with this config lets in at the moment; none if no daemon answers. */
async function sourcesLetIn(file: string, names: readonly string[]): Promise<readonly string[]> {
  return (await presentStatus(file, names))?.openings.map(({ source }) => source) ?? []
}

interface Material {
  readonly asked: Asked
  readonly config: Config
  readonly rules: Rules
  readonly reading: Reading
  readonly text: string
  readonly machine: Machine
  readonly rehearsals: readonly Rehearsal[]
  readonly changed: string | undefined
  readonly broken: string | undefined
}

function reportOf({ asked, config, rules, reading, text, machine, rehearsals, changed, broken }: Material): Report {
  const doors = joinFamilies(rehearsals.map((rehearsal) => rehearsal.doors))
  const observations = doors.flatMap((door) => door.observations)
  const context = {
    doors: placedDoors(config),
    faults: reading.faults,
    watched: machine.watched.name,
    programAt: programPath,
    allow: (port: Port, culprit: Culprit) => allowing(port, culprit, inForce(rules, machine.watched.name, config)),
    hide: (ports: readonly Port[]) =>
      hiding(ports, {
        config,
        text,
        clues: { rules: rulesTextOf(rules), listening: () => [...listeningPorts()[TCP]] },
        pid: undefined,
      }),
    scanPortsLine: config.places.options.scanPorts?.line,
  }
  return {
    file: asked.file,
    interface: machine.watched.name,
    addresses: machine.watched.addresses.map((address) => address.text),
    copied: rehearsals[0]?.copied.summary ?? 'not made',
    notCopied: [...new Set(rehearsals.flatMap(({ copied }) => copied.faults))],
    doors,
    findings: diagnose(observations, context),
    changed,
    broken,
  }
}
