'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.KitchenSinkMLKEM768X25519 =
  exports.QSFMLKEM1024P384 =
  exports.QSFMLKEM768P256 =
  exports.MLKEM1024P384 =
  exports.MLKEM768P256 =
  exports.MLKEM768X25519 =
  exports.XWing =
  exports.ml_kem1024_p384 =
  exports.ml_kem768_p256 =
  exports.ml_kem768_x25519 =
  exports.KitchenSink_ml_kem768_x25519 =
  exports.QSF_ml_kem1024_p384 =
  exports.QSF_ml_kem768_p256 =
    void 0
exports.ecdhKem = ecdhKem
exports.ecSigner = ecSigner
exports.expandSeedXof = expandSeedXof
exports.combineKEMS = combineKEMS
exports.combineSigners = combineSigners
exports.QSF = QSF
exports.createKitchenSink = createKitchenSink
const edwards_js_1 = require('@noble/curves/abstract/edwards.js')
const montgomery_js_1 = require('@noble/curves/abstract/montgomery.js')
const weierstrass_js_1 = require('@noble/curves/abstract/weierstrass.js')
const ed25519_js_1 = require('@noble/curves/ed25519.js')
const nist_js_1 = require('@noble/curves/nist.js')
const utils_js_1 = require('@noble/curves/utils.js')
const hkdf_js_1 = require('@noble/hashes/hkdf.js')
const sha2_js_1 = require('@noble/hashes/sha2.js')
const sha3_js_1 = require('@noble/hashes/sha3.js')
const utils_js_2 = require('@noble/hashes/utils.js')
const ml_kem_js_1 = require('./ml-kem.js')
const utils_js_3 = require('./utils.js')
function ecKeygen(curve, allowZeroKey = false) {
  const lengths = curve.lengths
  let keygen = curve.keygen
  if (allowZeroKey) {
    const wCurve = curve
    const Fn = wCurve.Point.Fn
    if (!Fn) throw new Error('No Point.Fn')
    keygen = (seed = (0, utils_js_3.randomBytes)(lengths.seed)) => {
      ;(0, utils_js_2.abytes)(seed, lengths.seed, 'seed')
      const seedScalar = Fn.isLE ? (0, utils_js_1.bytesToNumberLE)(seed) : (0, utils_js_1.bytesToNumberBE)(seed)
      const secretKey = Fn.toBytes(Fn.create(seedScalar))
      return { secretKey, publicKey: curve.getPublicKey(secretKey) }
    }
  }
  return {
    lengths: { secretKey: lengths.secretKey, publicKey: lengths.publicKey, seed: lengths.seed },
    keygen,
    getPublicKey: (secretKey) => curve.getPublicKey(secretKey),
  }
}
function ecdhKem(curve, allowZeroKey = false) {
  const kg = ecKeygen(curve, allowZeroKey)
  if (!curve.getSharedSecret) throw new Error('wrong curve')
  return {
    lengths: { ...kg.lengths, msg: kg.lengths.seed, cipherText: kg.lengths.publicKey },
    keygen: kg.keygen,
    getPublicKey: kg.getPublicKey,
    encapsulate(publicKey, rand = (0, utils_js_3.randomBytes)(curve.lengths.seed)) {
      const ek = this.keygen(rand).secretKey
      const sharedSecret = this.decapsulate(publicKey, ek)
      const cipherText = curve.getPublicKey(ek)
      ;(0, utils_js_3.cleanBytes)(ek)
      return { sharedSecret, cipherText }
    },
    decapsulate(cipherText, secretKey) {
      const res = curve.getSharedSecret(secretKey, cipherText)
      return curve.lengths.publicKeyHasPrefix ? res.subarray(1) : res
    },
  }
}
function ecSigner(curve, allowZeroKey = false) {
  const kg = ecKeygen(curve, allowZeroKey)
  if (!curve.sign || !curve.verify) throw new Error('wrong curve')
  return {
    lengths: { ...kg.lengths, signature: curve.lengths.signature, signRand: 0 },
    keygen: kg.keygen,
    getPublicKey: kg.getPublicKey,
    sign: (message, secretKey) => curve.sign(message, secretKey),
    verify: (signature, message, publicKey) => curve.verify(signature, message, publicKey),
  }
}
function splitLengths(lst, name) {
  return (0, utils_js_3.splitCoder)(
    name,
    ...lst.map((i) => {
      if (typeof i.lengths[name] !== 'number') throw new Error('wrong length: ' + name)
      return i.lengths[name]
    }),
  )
}
function expandSeedXof(xof) {
  return (seed, seedLen) => xof(seed, { dkLen: seedLen })
}
function combineKeys(realSeedLen, expandSeed, ...ck) {
  const seedCoder = splitLengths(ck, 'seed')
  const pkCoder = splitLengths(ck, 'publicKey')
  if (realSeedLen === undefined) realSeedLen = seedCoder.bytesLen
  ;(0, utils_js_2.anumber)(realSeedLen)
  function expandDecapsulationKey(seed) {
    ;(0, utils_js_2.abytes)(seed, realSeedLen)
    const expanded = seedCoder.decode(expandSeed(seed, seedCoder.bytesLen))
    const keys = ck.map((i, j) => i.keygen(expanded[j]))
    const secretKey = keys.map((i) => i.secretKey)
    const publicKey = keys.map((i) => i.publicKey)
    return { secretKey, publicKey }
  }
  return {
    info: { lengths: { seed: realSeedLen, publicKey: pkCoder.bytesLen, secretKey: realSeedLen } },
    getPublicKey(secretKey) {
      return this.keygen(secretKey).publicKey
    },
    keygen(seed = (0, utils_js_3.randomBytes)(realSeedLen)) {
      const { publicKey: pk, secretKey } = expandDecapsulationKey(seed)
      const publicKey = pkCoder.encode(pk)
      ;(0, utils_js_3.cleanBytes)(pk)
      ;(0, utils_js_3.cleanBytes)(secretKey)
      return { secretKey: seed, publicKey }
    },
    expandDecapsulationKey,
    realSeedLen,
  }
}
function combineKEMS(realSeedLen, realMsgLen, expandSeed, combiner, ...kems) {
  const keys = combineKeys(realSeedLen, expandSeed, ...kems)
  const ctCoder = splitLengths(kems, 'cipherText')
  const pkCoder = splitLengths(kems, 'publicKey')
  const msgCoder = splitLengths(kems, 'msg')
  if (realMsgLen === undefined) realMsgLen = msgCoder.bytesLen
  ;(0, utils_js_2.anumber)(realMsgLen)
  return {
    lengths: {
      ...keys.info.lengths,
      msg: realMsgLen,
      msgRand: msgCoder.bytesLen,
      cipherText: ctCoder.bytesLen,
    },
    getPublicKey: keys.getPublicKey,
    keygen: keys.keygen,
    encapsulate(pk, randomness = (0, utils_js_3.randomBytes)(msgCoder.bytesLen)) {
      const pks = pkCoder.decode(pk)
      const rand = msgCoder.decode(randomness)
      const enc = kems.map((i, j) => i.encapsulate(pks[j], rand[j]))
      const sharedSecret = enc.map((i) => i.sharedSecret)
      const cipherText = enc.map((i) => i.cipherText)
      const res = {
        sharedSecret: combiner(pks, cipherText, sharedSecret),
        cipherText: ctCoder.encode(cipherText),
      }
      ;(0, utils_js_3.cleanBytes)(sharedSecret, cipherText)
      return res
    },
    decapsulate(ct, seed) {
      const cts = ctCoder.decode(ct)
      const { publicKey, secretKey } = keys.expandDecapsulationKey(seed)
      const sharedSecret = kems.map((i, j) => i.decapsulate(cts[j], secretKey[j]))
      return combiner(publicKey, cts, sharedSecret)
    },
  }
}
function combineSigners(realSeedLen, expandSeed, ...signers) {
  const keys = combineKeys(realSeedLen, expandSeed, ...signers)
  const sigCoder = splitLengths(signers, 'signature')
  const pkCoder = splitLengths(signers, 'publicKey')
  return {
    lengths: { ...keys.info.lengths, signature: sigCoder.bytesLen, signRand: 0 },
    getPublicKey: keys.getPublicKey,
    keygen: keys.keygen,
    sign(message, seed) {
      const { secretKey } = keys.expandDecapsulationKey(seed)
      const sigs = signers.map((i, j) => i.sign(message, secretKey[j]))
      return sigCoder.encode(sigs)
    },
    verify: (signature, message, publicKey) => {
      const pks = pkCoder.decode(publicKey)
      const sigs = sigCoder.decode(signature)
      for (let i = 0; i < signers.length; i++) {
        if (!signers[i].verify(sigs[i], message, pks[i])) return false
      }
      return true
    },
  }
}
function QSF(label, pqc, curveKEM, xof, kdf) {
  ;(0, utils_js_2.ahash)(xof)
  ;(0, utils_js_2.ahash)(kdf)
  return combineKEMS(
    32,
    32,
    expandSeedXof(xof),
    (pk, ct, ss) => kdf((0, utils_js_1.concatBytes)(ss[0], ss[1], ct[1], pk[1], (0, utils_js_1.asciiToBytes)(label))),
    pqc,
    curveKEM,
  )
}
exports.QSF_ml_kem768_p256 = QSF(
  'QSF-KEM(ML-KEM-768,P-256)-XOF(SHAKE256)-KDF(SHA3-256)',
  ml_kem_js_1.ml_kem768,
  ecdhKem(nist_js_1.p256, true),
  sha3_js_1.shake256,
  sha3_js_1.sha3_256,
)
exports.QSF_ml_kem1024_p384 = QSF(
  'QSF-KEM(ML-KEM-1024,P-384)-XOF(SHAKE256)-KDF(SHA3-256)',
  ml_kem_js_1.ml_kem1024,
  ecdhKem(nist_js_1.p384, true),
  sha3_js_1.shake256,
  sha3_js_1.sha3_256,
)
function createKitchenSink(label, pqc, curveKEM, xof, hash) {
  ;(0, utils_js_2.ahash)(xof)
  ;(0, utils_js_2.ahash)(hash)
  return combineKEMS(
    32,
    32,
    expandSeedXof(xof),
    (pk, ct, ss) => {
      const preimage = (0, utils_js_1.concatBytes)(
        ss[0],
        ss[1],
        ct[0],
        pk[0],
        ct[1],
        pk[1],
        (0, utils_js_1.asciiToBytes)(label),
      )
      const len = 32
      const ikm = (0, utils_js_1.concatBytes)((0, utils_js_1.asciiToBytes)('hybrid_prk'), preimage)
      const prk = (0, hkdf_js_1.extract)(hash, ikm)
      const info = (0, utils_js_1.concatBytes)(
        (0, utils_js_1.numberToBytesBE)(len, 2),
        (0, utils_js_1.asciiToBytes)('shared_secret'),
        (0, utils_js_1.asciiToBytes)(''),
      )
      const res = (0, hkdf_js_1.expand)(hash, prk, info, len)
      ;(0, utils_js_3.cleanBytes)(prk, info, ikm, preimage)
      return res
    },
    pqc,
    curveKEM,
  )
}
const x25519kem = ecdhKem(ed25519_js_1.x25519)
exports.KitchenSink_ml_kem768_x25519 = createKitchenSink(
  'KitchenSink-KEM(ML-KEM-768,X25519)-XOF(SHAKE256)-KDF(HKDF-SHA-256)',
  ml_kem_js_1.ml_kem768,
  x25519kem,
  sha3_js_1.shake256,
  sha2_js_1.sha256,
)
exports.ml_kem768_x25519 = (() =>
  combineKEMS(
    32,
    32,
    expandSeedXof(sha3_js_1.shake256),
    (pk, ct, ss) =>
      (0, sha3_js_1.sha3_256)(
        (0, utils_js_1.concatBytes)(ss[0], ss[1], ct[1], pk[1], (0, utils_js_1.asciiToBytes)('\\.//^\\')),
      ),
    ml_kem_js_1.ml_kem768,
    x25519kem,
  ))()
function nistCurveKem(curve, scalarLen, elemLen, nseed) {
  const Fn = curve.Point.Fn
  if (!Fn) throw new Error('no Point.Fn')
  function rejectionSampling(seed) {
    let sk
    for (let start = 0, end = scalarLen; ; start = end, end += scalarLen) {
      if (end > seed.length) throw new Error('rejection sampling failed')
      sk = Fn.fromBytes(seed.subarray(start, end), true)
      if (Fn.isValidNot0(sk)) break
    }
    const secretKey = Fn.toBytes(Fn.create(sk))
    const publicKey = curve.getPublicKey(secretKey, false)
    return { secretKey, publicKey }
  }
  return {
    lengths: {
      secretKey: scalarLen,
      publicKey: elemLen,
      seed: nseed,
      msg: nseed,
      cipherText: elemLen,
    },
    keygen(seed = (0, utils_js_3.randomBytes)(nseed)) {
      ;(0, utils_js_2.abytes)(seed, nseed, 'seed')
      return rejectionSampling(seed)
    },
    getPublicKey(secretKey) {
      return curve.getPublicKey(secretKey, false)
    },
    encapsulate(publicKey, rand = (0, utils_js_3.randomBytes)(nseed)) {
      ;(0, utils_js_2.abytes)(rand, nseed, 'rand')
      const { secretKey: ek } = rejectionSampling(rand)
      const sharedSecret = this.decapsulate(publicKey, ek)
      const cipherText = curve.getPublicKey(ek, false)
      ;(0, utils_js_3.cleanBytes)(ek)
      return { sharedSecret, cipherText }
    },
    decapsulate(cipherText, secretKey) {
      const full = curve.getSharedSecret(secretKey, cipherText)
      return full.subarray(1)
    },
  }
}
function concreteHybridKem(label, mlkem, curve, nseed) {
  const { secretKey: scalarLen, publicKeyUncompressed: elemLen } = curve.lengths
  if (!scalarLen || !elemLen) throw new Error('wrong curve')
  const curveKem = nistCurveKem(curve, scalarLen, elemLen, nseed)
  const mlkemSeedLen = 64
  const totalSeedLen = mlkemSeedLen + nseed
  return combineKEMS(
    32,
    32,
    (seed) => {
      ;(0, utils_js_2.abytes)(seed, 32)
      const expanded = (0, sha3_js_1.shake256)(seed, { dkLen: totalSeedLen })
      const mlkemSeed = expanded.subarray(0, mlkemSeedLen)
      const curveSeed = expanded.subarray(mlkemSeedLen, totalSeedLen)
      return (0, utils_js_1.concatBytes)(mlkemSeed, curveSeed)
    },
    (pk, ct, ss) =>
      (0, sha3_js_1.sha3_256)(
        (0, utils_js_1.concatBytes)(ss[0], ss[1], ct[1], pk[1], (0, utils_js_1.asciiToBytes)(label)),
      ),
    mlkem,
    curveKem,
  )
}
exports.ml_kem768_p256 = (() => concreteHybridKem('MLKEM768-P256', ml_kem_js_1.ml_kem768, nist_js_1.p256, 128))()
exports.ml_kem1024_p384 = (() => concreteHybridKem('MLKEM1024-P384', ml_kem_js_1.ml_kem1024, nist_js_1.p384, 48))()
exports.XWing = exports.ml_kem768_x25519
exports.MLKEM768X25519 = exports.ml_kem768_x25519
exports.MLKEM768P256 = exports.ml_kem768_p256
exports.MLKEM1024P384 = exports.ml_kem1024_p384
exports.QSFMLKEM768P256 = exports.QSF_ml_kem768_p256
exports.QSFMLKEM1024P384 = exports.QSF_ml_kem1024_p384
exports.KitchenSinkMLKEM768X25519 = exports.KitchenSink_ml_kem768_x25519
