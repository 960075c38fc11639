import type { Config } from '../../config/config.ts'
import { fixedKnocks } from '../../config/secret.ts'
import { protocolName } from '../../config/service.ts'
import { ICMP } from '../../packet/packet.ts'
import type { Listening } from '../../host/listening.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** Finds knock ports on which a program listens. Its clients knock too, and the scan guard does not see them. */
export function judgeListening({ doors, file }: Config, listening: Listening): readonly Finding[] {
  return doors.flatMap(({ name, line, secret, target }): readonly Finding[] => {
    if (target !== undefined) return []
    return fixedKnocks(secret).flatMap(({ protocol, port }, index): readonly Finding[] => {
      if (protocol === ICMP || !listening[protocol].has(port)) return []
      const what = protocolName(protocol)
      // The port itself is a secret, and this may end up in a log.
      const message = `door ${name} (line ${line}): knock ${index + 1} is at a ${what} port on which a program listens, so its visitors knock too`
      return [{ severity: 'warning', subject: 'listening', message, fix: REMEDIES.edit(file, line) }]
    })
  })
}
