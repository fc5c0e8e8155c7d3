// Of Boost.Beast only its HTTP grammar, compiled once (BOOST_BEAST_SEPARATE_COMPILATION).
#define BOOST_BEAST_SOURCE
#include <boost/beast/core/detail/config.hpp>
//
#include <boost/beast/core/impl/error.ipp>
#include <boost/beast/core/impl/string.ipp>
#include <boost/beast/http/detail/basic_parser.ipp>
#include <boost/beast/http/detail/rfc7230.ipp>
#include <boost/beast/http/impl/basic_parser.ipp>
#include <boost/beast/http/impl/error.ipp>
#include <boost/beast/http/impl/field.ipp>
#include <boost/beast/http/impl/rfc7230.ipp>
#include <boost/beast/http/impl/verb.ipp>
