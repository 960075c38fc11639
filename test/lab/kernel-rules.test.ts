// Goal: the rules that `postern firewall kernel` prints do in a real kernel what the daemon does: whoever knocks gets in,
// with nothing but telnet, nc or hping3, over IPv4 and IPv6; what is open closes by itself; and no scan opens anything.
// The tests stand in kernel-rules.ts, and run for each dialect in a file of its own, at the same time.
import { expect, test } from 'vitest'
import { door, kernelRules, printed } from './kernel-rules.ts'
import { program } from './knockd.ts'
import { run } from './process.ts'
import { writeConfig } from './scratch.ts'

test('the program prints what is loaded here', async () => {
  const args = ['-c', writeConfig(door('ssh', '7301,8822:udp')), '--allow', 'tcp/80']
  for (const format of ['nft', 'iptables']) {
    const all = [...args, '--format', format]
    const { stdout } = await run([process.execPath, program('postern'), 'firewall', 'kernel', ...all])
    expect(stdout).toBe(await printed(all))
  }
})

kernelRules('nft')
