import { counted } from '../text/counted.ts'
import { joinLines } from '../text/joined-lines.ts'
import type { ClockStatus, FleetStatus, Health, Status } from './message.ts'

/** The earliest time that a correct clock can show, in milliseconds since 1970. */
export const EARLIEST = Date.UTC(2026, 0)
/** Milliseconds for which a capture that was disturbed counts as a problem. */
export const DEAF_PROBLEM_MS = 3_600_000
/** The most names in a message. */
const NAMED_MAX = 4

type State = Health['state']
type Problem = readonly [state: State, message: string]

/** Judges a status. There is one row for each part of the daemon, with its worst state. */
export function healthOf(status: Status): readonly Health[] {
  const { interfaces, guard, journal, doors, faults, clock, fleet } = status
  return [
    judged('capture', captureProblems(interfaces), counted(interfaces.length, 'interface')),
    judged('guard', guard?.fault === undefined ? [] : [['critical', `not in force: ${guard.fault}`]], guardText(guard)),
    judged('journal', journal === undefined ? [] : [['critical', `cannot be written: ${journal}`]], 'written'),
    judged('clock', clock === undefined ? [] : clockProblems(clock), clockText(clock)),
    judged('lists', listProblems(doors), counted(doors.filter(({ left }) => left !== undefined).length, 'list')),
    judged(
      'doors',
      doors.flatMap(({ name, shut }): readonly Problem[] =>
        shut === undefined ? [] : [['critical', `${name} opens to nobody since a loss of state`]],
      ),
      counted(doors.length, 'door'),
    ),
    ...(fleet === undefined ? [] : [judged('fleet', fleetProblems(fleet), fleetText(fleet))]),
    judged(
      'daemon',
      faults === undefined ? [] : [['warning', `${counted(faults.count, 'internal error')}, the last: ${faults.last}`]],
      'runs',
    ),
  ]
}

/** Returns the worst of some states. */
export function worstOf(health: readonly Pick<Health, 'state'>[]): State {
  const states = new Set(health.map(({ state }) => state))
  if (states.has('critical')) return 'critical'
  return states.has('warning') ? 'warning' : 'ok'
}

function judged(subject: Health['subject'], problems: readonly Problem[], well: string): Health {
  if (problems.length === 0) return { subject, state: 'ok', message: well }
  const state = worstOf(problems.map(([each]) => ({ state: each })))
  // The worst come first, as further ones are only counted.
  const messages = problems.toSorted(([one], [other]) => Number(other === state) - Number(one === state))
  const more = messages.length > NAMED_MAX ? [`and ${messages.length - NAMED_MAX} more`] : []
  const told = [...messages.slice(0, NAMED_MAX).map(([, message]) => message), ...more]
  return { subject, state, message: joinLines(told.join('; ')) }
}

function captureProblems(interfaces: Status['interfaces']): readonly Problem[] {
  const isDead = interfaces.every(({ waiting }) => waiting !== undefined)
  return interfaces.flatMap(({ name, waiting, deaf }): readonly Problem[] => {
    if (waiting !== undefined) return [[isDead ? 'critical' : 'warning', `${name} is not captured: ${waiting}`]]
    if (deaf === undefined || deaf.agoMs > DEAF_PROBLEM_MS) return []
    const minutes = Math.ceil(deaf.agoMs / 60_000)
    return [['warning', `${name} was deaf until ${minutes} min ago: ${deaf.reason}`]]
  })
}

function clockProblems({ synchronised, needed, now }: ClockStatus): readonly Problem[] {
  if (now < EARLIEST) return [['critical', `the clock says ${new Date(now).toISOString()}, which is long ago`]]
  if (synchronised !== false || !needed) return []
  return [['warning', 'the clock is not synchronised, and doors depend on it']]
}

function clockText(clock: ClockStatus | undefined): string {
  if (clock?.synchronised === true) return 'synchronised'
  return clock?.needed === true ? 'unknown to the system' : 'no door depends on it'
}

function fleetProblems({ shut, problems }: FleetStatus): readonly Problem[] {
  const others = problems.map((problem): Problem => ['warning', problem])
  return shut === undefined ? others : [['critical', `its doors stay shut: ${shut}`], ...others]
}

function fleetText({ name, host, hosts, users }: FleetStatus): string {
  return `${host} of ${name}, hosts version ${hosts ?? 'none'}, users version ${users ?? 'none'}`
}

function guardText(guard: Status['guard']): string {
  return guard === undefined ? 'nothing is guarded' : `hides ${counted(guard.services.length, 'service')}`
}

function listProblems(doors: Status['doors']): readonly Problem[] {
  return doors.flatMap(({ name, left, lowWater }): readonly Problem[] => {
    if (left === undefined) return []
    if (left === 0) return [['critical', `${name} has no sequence left`]]
    return lowWater !== undefined && left <= lowWater ? [['warning', `${name} has only ${left} left`]] : []
  })
}
