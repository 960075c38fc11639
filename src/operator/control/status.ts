import type { DoorStatus, Status } from '../../control/message.ts'
import type { Output } from '../check.ts'
import { talk } from './talk.ts'
import type { Talk } from './talk.ts'

const HELP = `usage: postern status [--json] [-c FILE] [-i NAME]...

Says how a running knockd is doing: doors, what is open and for how long yet,
attempts under way, interfaces and what they counted.

  --json            one JSON document
  -c, --config FILE the config that the daemon runs with, /etc/knockd.conf
                    otherwise
  -i, --interface NAME
                    where several daemons run with that config: what this one was
                    started with
  -h, --help        this text

exit status: 0 it runs, 1 it does not, 2 usage
`

/** Doors, openings and attempts that are shown; the others are counted. */
const ROWS_MAX = 50

const STATUS: Talk = {
  command: 'status',
  help: HELP,
  request: () => ({ command: 'status' }),
  show: (reply, { json }) => {
    if (!('status' in reply)) return ''
    return json ? `${JSON.stringify(reply.status, undefined, 2)}\n` : statusText(reply.status)
  },
}

/** `postern status`. */
export async function status(args: readonly string[], output: Output): Promise<number> {
  return await talk(STATUS, args, output)
}

/** A status for people. */
export function statusText(of: Status): string {
  const { guard, attempts } = of
  const named = of.openings.some(({ user }) => user !== undefined)
  return [
    `knockd ${of.version}, process ${of.pid}, up ${timeText(of.upMs)}, ${of.config}`,
    ...(of.journal === undefined ? [] : [`  the journal cannot be written: ${of.journal}`]),
    ...of.doors.flatMap(({ shut }) => (shut === undefined ? [] : [`  ${shut.replaceAll('\n', '\n    ')}`])),
    '',
    ...table(
      'interfaces',
      ['name', 'packets', 'lost', ''],
      of.interfaces.map((each) => [each.name, each.received, each.dropped, waitingText(each.waiting)]),
    ),
    ...(guard === undefined
      ? []
      : [
          `guard: hides ${guard.services.join(', ')} (${guard.hideWith})`,
          ...(guard.alwaysAllow.length === 0 ? [] : [`  always allowed: ${guard.alwaysAllow.join(', ')}`]),
          `  packets of strangers: ${guard.hidden}`,
          '',
        ]),
    ...table(
      'doors',
      ['name', 'secret', 'opens', 'for'],
      of.doors.map((door) => [door.name, secretText(door), opensText(door), timeText(door.openForMs)]),
    ),
    ...table(
      'open',
      ['door', 'source', ...(named ? ['user'] : []), 'what', 'left'],
      of.openings.map((each) => [
        each.door,
        each.source,
        ...(named ? [each.user ?? '-'] : []),
        each.services.join(', ') || 'command',
        timeText(each.leftMs),
      ]),
    ),
    `attempts under way: ${attempts.count}, sources remembered: ${attempts.sources}`,
    ...rows(
      attempts.listed.map((each) => [each.source, each.doors.join(', '), `stage ${each.stage}`, timeText(each.leftMs)]),
    ),
    '',
  ].join('\n')
}

function waitingText(waiting: string | undefined): string {
  return waiting === undefined ? '' : `waited for: ${waiting}`
}

function secretText({ secret, left, users }: DoorStatus): string {
  if (left !== undefined) return `${secret}, ${left} left`
  return users === undefined ? secret : `${users} user${users === 1 ? '' : 's'}`
}

function opensText({ opens, commands }: DoorStatus): string {
  return [...opens, ...(commands ? ['command'] : [])].join(', ')
}

type Row = readonly (string | number)[]

function table(title: string, head: readonly string[], body: readonly Row[]): readonly string[] {
  if (body.length === 0) return [`${title}: none`, '']
  const more = body.length - ROWS_MAX
  return [
    `${title}:`,
    ...rows([head, ...body.slice(0, ROWS_MAX)]),
    ...(more > 0 ? [`  and ${more} more (--json lists them all)`] : []),
    '',
  ]
}

function rows(all: readonly Row[]): readonly string[] {
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => String(row[column]).length)))
  return all.map((row) =>
    `  ${row.map((cell, column) => String(cell).padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  )
}

/** A time in its two largest units: `1h 5m`, `12s`. */
export function timeText(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3_600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ] as const
  const first = units.findIndex(([, count]) => count > 0)
  if (first < 0) return '0s'
  const shown = units.slice(first, first + 2).filter(([, count]) => count > 0)
  return shown.map(([unit, count]) => `${count}${unit}`).join(' ')
}
