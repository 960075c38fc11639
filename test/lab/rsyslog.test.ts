// Goal: the example for rsyslog works as it is: a real rsyslogd puts the lines of a real daemon into their own file and nowhere
// else, and its limit is not below what the daemon may write.
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TOTAL_BURST_LINES, TOTAL_LINES_PER_S } from '../../src/log/limit.ts'
import { PROJECT, program, withStateDir } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import { until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'

const CONTRIB = join(PROJECT, 'contrib')
const EXAMPLE = join(CONTRIB, 'rsyslog/30-knockd.conf')
const HAS_RSYSLOG = existsSync('/usr/sbin/rsyslogd')

/** A machine's own rsyslog.conf, as Debian's: the modules, the folder of examples, and a file of everything else. */
const RSYSLOG = `module(load="imuxsock" SysSock.RateLimit.Interval="5" SysSock.RateLimit.Burst="750")
global(workDirectory="/var/log")
include(file="${EXAMPLE}")
*.* action(type="omfile" file="/var/log/syslog")
`

/** Runs rsyslogd with /dev and /var/log of its own, and a daemon beside it. */
const SCRIPT = `set -e; mount --bind "$LOGS" /var/log
mount -t tmpfs tmpfs /mnt; mkdir /mnt/dev; cp -a /dev/null /dev/urandom /dev/random /mnt/dev; mount --bind /mnt/dev /dev
rsyslogd -n -f "$RSYSLOG" -i /mnt/pid & syslogd=$!
until [ -S /dev/log ]; do :; done
logger -t other 'of another program'
"$@" & daemon=$!; echo "pid $daemon"; wait $daemon || :; kill $syslogd; wait $syslogd`

lab('the example for rsyslog', () => {
  test.skipIf(!HAS_RSYSLOG)('puts the lines of a daemon into their own file', async () => {
    const { server, client } = await pair()
    const logs = scratch('logs')
    mkdirSync(logs)
    const text = '[options]\nUseSyslog\n[ssh]\nSequence = 7301,822,9403\nStart_Command = echo "two words"\n'
    const config = writeConfig(withStateDir(text, scratch('state')))
    const words = [process.execPath, program('knockd'), '-i', 'eth0', '-c', config]
    const running = server.start(['unshare', '-m', 'sh', '-c', SCRIPT, 'sh', ...words], {
      env: { LOGS: logs, RSYSLOG: writeConfig(RSYSLOG, 'rsyslog.conf') },
    })
    const pid = Number((await running.line(/^pid /)).slice('pid '.length))
    const file = join(logs, 'knockd-syslog.log')
    const seen = (what: string): boolean => existsSync(file) && readFileSync(file, 'utf8').includes(what)
    await until('the start', () => seen('starting up, listening on eth0'))
    await sendKnocks(client, SERVER_4, ['7301', '822', '9403'])
    await until('the opening', () => seen('command printed'))
    process.kill(pid, 'SIGTERM')
    await running.ended
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d \S+ /, ''))).toEqual([
      'knockd: starting up, listening on eth0',
      `knockd: ${CLIENT_4}: ssh: Stage 1`,
      `knockd: ${CLIENT_4}: ssh: Stage 2`,
      `knockd: ${CLIENT_4}: ssh: Stage 3`,
      `knockd: ${CLIENT_4}: ssh: OPEN SESAME`,
      'knockd: ssh: running command: echo "two words"',
      'knockd: ssh: command printed: two words',
      'knockd: shutting down',
    ])
    expect((statSync(file).mode & 0o777).toString(8)).toBe('640')
    const others = readFileSync(join(logs, 'syslog'), 'utf8')
    expect(others).toContain('of another program')
    expect(others).not.toContain('knockd:')
  })
})

/** A number in an example, also one in a comment. */
function setting(file: string, name: string): number {
  return Number(new RegExp(`${name}="?(\\d+)`).exec(readFileSync(join(CONTRIB, file), 'utf8'))?.[1])
}

describe('the limits of the examples', () => {
  test.each([
    ['rsyslog/30-knockd.conf', 'RateLimit.Interval', 'RateLimit.Burst'],
    ['journald/knockd.service.conf', 'LogRateLimitIntervalSec', 'LogRateLimitBurst'],
  ])('%s takes all that the daemon writes about strangers', (file, interval, burst) => {
    const most = TOTAL_BURST_LINES + setting(file, interval) * TOTAL_LINES_PER_S
    expect(setting(file, burst)).toBeGreaterThanOrEqual(most)
    // And the comment has the right numbers.
    expect(readFileSync(join(CONTRIB, file), 'utf8')).toMatch(
      new RegExp(`at most ${TOTAL_LINES_PER_S} lines a second about strangers, after a burst of ${TOTAL_BURST_LINES}`),
    )
  })
})
