// Goal: the daemon's config in a rehearsal is the real one, but for where it writes and how long it takes.
import { expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import { placedDoors } from '../lint/placed-door.ts'
import { rehearsedConfig } from './rehearsed-config.ts'

const TEXT = `[options]
	UseSyslog
	LOGFILE = /var/log/knockd.log
	pidfile = /run/knockd.pid
	Interface = eth7
	Start_Hook = systemctl start something
	Stop_Hook = iptables -F gate
	On_Event = open: /usr/bin/mail root
	On_Event = scan,closed: touch /tmp/a
[long]
	Sequence = 7301,8822,6103
	Timeout = 30
	Start_Command = iptables -I INPUT -s %IP% -j ACCEPT
	Cmd_Timeout = 1h
	Stop_Command = iptables -D INPUT -s %IP% -j ACCEPT
[short]
	Sequence = 7302,8822,6103
	Seq_Timeout = 1
	Start_Command = iptables -I INPUT -s %IP% -j ACCEPT
	Cmd_Timeout = 3
	Stop_Command = iptables -D INPUT -s %IP% -j ACCEPT
[listed]
	One_Time_Sequences = /etc/list
	Start_Command = true
[outside]
	Sequence = 7303,8822,6103
	Start_Command = firewall-cmd --reload
`
const { config } = readConfig(TEXT, 'knockd.conf')
const PLACES = { stateDir: '/run/x/state', lists: new Map([['listed', '/run/x/list-1']]) }

test('log, pid file, state, lists and long times are others', () => {
  const { text, times } = rehearsedConfig(TEXT, config!, PLACES, { full: false, leaveOut: new Set(['outside']) })
  const { config: made } = readConfig(text, 'knockd.conf')
  expect(made!.options).toEqual({
    ...config!.options,
    useSyslog: false,
    logFile: undefined,
    pidFile: undefined,
    startHook: undefined,
    onEvent: [],
    stateDir: '/run/x/state',
  })
  expect(made!.options.interfaces).toEqual(['eth7'])
  expect(made!.options.stopHook).toBe('iptables -F gate')
  const [long, short, listed, ...more] = made!.doors
  expect(more).toEqual([])
  expect(long).toEqual({ ...config!.doors[0]!, line: long!.line, cmdTimeoutMs: 4_000, seqTimeoutMs: 2_000 })
  expect(short).toEqual({ ...config!.doors[1]!, line: short!.line })
  expect(listed!.secret).toEqual({ kind: 'one-time', path: '/run/x/list-1', lowWater: 3 })
  expect(times.get('long')).toEqual({ cmdTimeoutMs: 4_000, seqTimeoutMs: 2_000, deadlineShortened: true })
  expect(times.get('short')).toEqual({ cmdTimeoutMs: 3_000, seqTimeoutMs: 1_000, deadlineShortened: false })
})

test('an opening lasts until its rules can be read on a busy machine', () => {
  const brief = '[brief]\nSequence = 7001\nCmd_Timeout = 1\nStart_Command = true\nStop_Command = true\n'
  const { config: short } = readConfig(brief, 'knockd.conf')
  const how = { leaveOut: new Set<string>() }
  const places = { stateDir: '/run/x/state', lists: new Map<string, string>() }
  expect(rehearsedConfig(brief, short!, places, { ...how, full: false }).times.get('brief')!.cmdTimeoutMs).toBe(2_000)
  expect(rehearsedConfig(brief, short!, places, { ...how, full: true }).times.get('brief')!.cmdTimeoutMs).toBe(1_000)
})

test('in full, times are as they are written', () => {
  const { text } = rehearsedConfig(TEXT, config!, PLACES, { full: true, leaveOut: new Set() })
  const { config: made } = readConfig(text, 'knockd.conf')
  expect(made!.doors.map(({ cmdTimeoutMs, seqTimeoutMs }) => [cmdTimeoutMs, seqTimeoutMs])).toEqual(
    config!.doors.map(({ cmdTimeoutMs, seqTimeoutMs }) => [cmdTimeoutMs, seqTimeoutMs]),
  )
})

test('places in the real text', () => {
  const door = placedDoors(config!).get('long')!
  expect([door.line, door.commands.start4?.line, door.commands.stop6?.line]).toEqual([10, 13, 15])
  expect(config!.places.options.pidFile?.line).toBe(4)
  expect(config!.places.options.scanPorts).toBeUndefined()
})
