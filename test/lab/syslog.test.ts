// Goal: `UseSyslog` writes the lines that knockd writes there, under the same name.
import { expect, test } from 'vitest'
import { knock, program, withStateDir } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import { scratch, writeConfig } from './scratch.ts'

lab('the system log', () => {
  test('has the lines as knockd writes them', async () => {
    const { server, client } = await pair()
    const file = writeConfig(
      withStateDir('[options]\nUseSyslog\n[ssh]\nSequence = 7301,8822\nStart_Command = true\n', scratch('state')),
    )
    // A /dev of its own, in a mount namespace of its own: the machine's log is not written to.
    const script = [
      'mkdir /run/dev && cp -a /dev/null /dev/urandom /dev/random /run/dev && mount --bind /run/dev /dev',
      'nc -klUu /dev/log & listener=$!',
      'until [ -S /dev/log ]; do :; done',
      `exec 3>&1; ${process.execPath} ${program('knockd')} -i eth0 -v -c ${file} & daemon=$!`,
      'trap "kill $daemon; wait $daemon; kill $listener" TERM; wait $daemon; wait $daemon',
    ].join('\n')
    const running = server.start(['unshare', '-m', 'sh', '-c', `mount -t tmpfs tmpfs /run && ${script}`])
    await running.line(/listening on/)
    await knock(client, [SERVER_4, '7301', '8822'])
    await running.line(/ssh: running command: true/)
    await expect
      .poll(() => running.stdout, { timeout: 5_000 })
      .toMatch(/<13>.*knockd\[\d+\]: ssh: running command: true/)
    expect(running.stdout).toMatch(new RegExp(`<13>.*knockd\\[\\d+\\]: ${CLIENT_4}: ssh: OPEN SESAME`))
    expect(running.stdout).toMatch(/<13>.*knockd\[\d+\]: starting up, listening on eth0/)
    await running.stop()
  })
})
