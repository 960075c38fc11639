import { fieldsOf, listOf, numberOf, textOf } from './values.ts'

/** The state of one member of the cluster. */
export interface EndpointStatus {
  readonly version: string
  readonly clusterId: string
  readonly memberId: string
  /** The leader that the member follows; `0`: none. */
  readonly leader: string
  readonly isLearner: boolean
  /** The size of the database in bytes: the file, and what of it is in use. */
  readonly dbSize: number
  readonly dbSizeInUse: number
  readonly revision: string
  readonly raftTerm: string
  readonly raftIndex: string
  /** Such as `etcdserver: no leader` and `memberID:1 alarm:NOSPACE`. */
  readonly errors: readonly string[]
  readonly latencyMs: number
}

/** A member of the cluster. */
export interface EtcdMember {
  readonly id: string
  /** Empty: it was added and has not started yet. */
  readonly name: string
  readonly peerUrls: readonly string[]
  readonly clientUrls: readonly string[]
  readonly isLearner: boolean
}

/** An alarm of a member: `NOSPACE` or `CORRUPT`. */
export interface EtcdAlarm {
  readonly member: string
  readonly alarm: string
}

/** Reads a `StatusResponse` of etcd's rpc.proto. Throws EtcdUnavailable. */
export function statusOf(answer: unknown, latencyMs: number): EndpointStatus {
  const fields = fieldsOf(answer)
  const header = fieldsOf(fields['header'])
  return {
    version: textOf(fields['version']),
    clusterId: numberOf(header['cluster_id']),
    memberId: numberOf(header['member_id']),
    leader: numberOf(fields['leader']),
    isLearner: fields['isLearner'] === true || fields['is_learner'] === true,
    dbSize: Number(numberOf(fields['dbSize'])),
    dbSizeInUse: Number(numberOf(fields['dbSizeInUse'])),
    revision: numberOf(header['revision']),
    raftTerm: numberOf(fields['raftTerm']),
    raftIndex: numberOf(fields['raftIndex']),
    errors: listOf(fields['errors']).map(textOf),
    latencyMs,
  }
}

/** Reads a `MemberListResponse`. Throws EtcdUnavailable. */
export function membersOf(answer: unknown): readonly EtcdMember[] {
  return listOf(fieldsOf(answer)['members']).map((raw) => {
    const fields = fieldsOf(raw)
    return {
      id: numberOf(fields['ID']),
      name: textOf(fields['name']),
      peerUrls: listOf(fields['peerURLs']).map(textOf),
      clientUrls: listOf(fields['clientURLs']).map(textOf),
      isLearner: fields['isLearner'] === true,
    }
  })
}

/** Reads an `AlarmResponse`. Throws EtcdUnavailable. */
export function alarmsOf(answer: unknown): readonly EtcdAlarm[] {
  return listOf(fieldsOf(answer)['alarms']).map((raw) => {
    const fields = fieldsOf(raw)
    return { member: numberOf(fields['memberID']), alarm: textOf(fields['alarm']) }
  })
}
