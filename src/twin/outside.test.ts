// Goal: commands that ask a program outside the copy to do the work are found before they run.
import { expect, test } from 'vitest'
import { outsideIn } from './outside.ts'

test.each([
  ['firewall-cmd --add-port=22/tcp', 'firewall-cmd', 0],
  ['/usr/bin/systemctl start ssh', 'systemctl', 0],
  ['sudo -n firewall-cmd --reload', 'firewall-cmd', 8],
  ['iptables -I INPUT -j ACCEPT && service ssh start', 'service', 31],
])('%s', (command, program, offset) => {
  expect(outsideIn(command)).toMatchObject({ program, offset })
})

test.each(['iptables -I INPUT -s %IP% -j ACCEPT', 'ufw allow 22', "logger 'systemctl'", '/usr/local/sbin/open %IP%'])(
  '%s stays inside',
  (command) => {
    expect(outsideIn(command)).toBeUndefined()
  },
)
