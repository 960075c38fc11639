import { counted } from '../../text/counted.ts'
import type { Output } from '../../cli/output.ts'
import { exposedText } from '../../control/message.ts'
import type { DoorStatus, InterfaceStatus, OpeningStatus, Status } from '../../control/message.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { StatusArguments } from './arguments.ts'
import { FAILED } from '../../cli/exit-code.ts'
import { worstOf } from '../../control/health.ts'
import { healthText, totalsText, waitsText } from './health-text.ts'
import { metrics } from './metrics.ts'
import { nagios } from './nagios.ts'
import { rows, table, timeText } from './table.ts'
import { talk } from './talk.ts'

/** The most doors that are named for an ignored source. */
const DOORS_NAMED_MAX = 8

/** Runs `postern status`, and returns the exit code. */
export async function status(asked: StatusArguments, output: Output): Promise<number> {
  if (asked.openmetrics) return await metrics(asked, output)
  if (asked.nagios) return await nagios(asked, output)
  let isWell = true
  const code = await talk(
    asked,
    output,
    () => ({ command: 'status' }),
    (reply) => {
      if (!('status' in reply)) return ''
      isWell = worstOf(reply.status.health ?? []) === 'ok'
      if (asked.quiet) return ''
      return asked.json ? `${JSON.stringify(reply.status, undefined, 2)}\n` : statusText(reply.status)
    },
  )
  return isWell ? code : FAILED
}

/** Formats a status as text for people. */
export function statusText(of: Status): string {
  const { guard, attempts } = of
  const named = of.openings.some(({ user }) => user !== undefined)
  const told = of.openings.some(({ from }) => from !== undefined)
  return [
    `knockd ${of.version}, process ${of.pid ?? 'unknown'}, up ${timeText(of.upMs)}, ${of.config}`,
    ...(of.journal === undefined ? [] : [`  the journal cannot be written: ${of.journal}`]),
    ...faultText(of),
    ...of.doors.flatMap(({ shut }) => (shut === undefined ? [] : [`  ${shut.replaceAll('\n', '\n    ')}`])),
    '',
    ...table(
      'interfaces',
      ['name', 'packets', 'lost', 'last', ''],
      of.interfaces.map((each) => [
        each.name,
        each.received ?? '-',
        each.dropped ?? '-',
        each.heardMs === undefined ? '-' : `${timeText(each.heardMs)} ago`,
        waitingText(each.waiting),
      ]),
    ),
    ...of.interfaces.flatMap(deafText),
    ...(guard === undefined
      ? []
      : [
          ...(guard.fault === undefined ? [] : [`guard: not in force: ${guard.fault}`]),
          `guard: hides ${guard.services.join(', ')} (${guard.hideWith})`,
          ...(guard.alwaysAllow.length === 0 ? [] : [`  always allowed: ${guard.alwaysAllow.join(', ')}`]),
          `  packets from unknown sources: ${guard.hidden}`,
          '',
        ]),
    ...(of.exposed.length === 0
      ? []
      : [...of.exposed.map(({ service, forMs }) => `${exposedText(service)} (for ${timeText(forMs)} now)`), '']),
    ...table(
      'doors',
      ['name', 'secret', 'opens', 'for'],
      of.doors.map((door) => [door.name, secretText(door), opensText(door), timeText(door.openForMs)]),
    ),
    ...table(
      'open',
      ['door', 'source', ...(named ? ['user'] : []), 'what', ...(told ? ['told by'] : []), 'left'],
      of.openings.map((each) => [
        each.door,
        each.source,
        ...(named ? [userText(each)] : []),
        whatText(each),
        ...(told ? [each.from ?? '-'] : []),
        timeText(each.leftMs),
      ]),
    ),
    ...(of.ignored.length === 0
      ? []
      : table(
          'ignored',
          ['source', 'why', 'left', 'by'],
          of.ignored.map((each) => [each.source, WHY[each.why], timeText(each.leftMs), doorsText(each.doors)]),
        )),
    ...attemptsText(attempts),
    ...waitsText(of),
    ...totalsText(of),
    ...healthText(of),
    '',
  ].join('\n')
}

function attemptsText(attempts: Status['attempts']): readonly string[] {
  if (attempts === undefined) return ['attempts under way: shown only to root']
  return [
    `attempts under way: ${attempts.count}, sources remembered: ${attempts.sources}`,
    ...rows(
      attempts.listed.map((each) => [each.source, each.doors.join(', '), `stage ${each.stage}`, timeText(each.leftMs)]),
    ),
  ]
}

/** The reasons for which sources are ignored. */
const WHY = { scan: 'port scan', codes: 'wrong codes', 'codes behind': 'wrong codes after the sequence' } as const

function doorsText(doors: readonly string[]): string {
  const named = doors.slice(0, DOORS_NAMED_MAX).join(', ')
  if (doors.length > DOORS_NAMED_MAX) return `${named} and ${doors.length - DOORS_NAMED_MAX} more`
  return named || 'no door: a scan could open none'
}

function waitingText(waiting: string | undefined): string {
  return waiting === undefined ? '' : `waiting: ${waiting}`
}

function faultText({ faults }: Status): readonly string[] {
  if (faults === undefined) return []
  const times = faults.count === 1 ? 'an internal error' : `${faults.count} internal errors`
  return [`  ${times}, the last ${timeText(faults.agoMs)} ago, please report it: ${faults.last}`]
}

/** Formats the warning of a capture that was deaf, with the command that shows which program was the cause. */
function deafText({ name, deaf }: InterfaceStatus): readonly string[] {
  if (deaf === undefined) return []
  const times = deaf.times === 1 ? '' : `, ${deaf.times} times in a day`
  return [
    `warning: ${name} was deaf until ${timeText(deaf.agoMs)} ago${times}: ${deaf.reason}`,
    '  knocks may have gone unheard; capturing began anew',
    `  ${REMEDIES.lookAtSockets()} shows which programs have packet sockets`,
    '',
  ]
}

function secretText({ secret, left, users }: DoorStatus): string {
  if (left !== undefined) return `${secret}, ${left} left`
  return users === undefined ? secret : counted(users, 'user')
}

function opensText({ opens, commands }: DoorStatus): string {
  return [...opens, ...(commands ? ['command'] : [])].join(', ')
}

function userText({ user = '-', claimedUser }: OpeningStatus): string {
  return claimedUser === undefined ? user : `${user}, claims to be ${claimedUser}`
}

function whatText({ services, forward }: OpeningStatus): string {
  const what = services.join(', ') || 'command'
  return forward === undefined ? what : `${what}, sent on to ${forward}`
}
