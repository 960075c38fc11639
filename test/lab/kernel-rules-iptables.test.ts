// Goal: that of kernel-rules.test.ts, with the rules of iptables.
import { kernelRules } from './kernel-rules.ts'

kernelRules('iptables')
