//! PPP by itself, without I/O: framing, the RFC 1661 automaton, LCP, authentication, CBCP, IPCP, IPV6CP.
#![forbid(unsafe_code)]
