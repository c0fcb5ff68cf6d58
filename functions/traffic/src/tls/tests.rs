//! Who is trusted and what is said of whom is not, against certificates of every kind and a server that
//! speaks TLS.
