/* SPDX-License-Identifier: Apache-2.0
 *
 * Lets the process that preloads it accept proxy certificates (RFC 3820), in its own
 * outgoing TLS connections too. They are still verified: only the one error "proxy
 * certificates not allowed" goes.
 *
 *   gcc -shared -fPIC -o /usr/local/lib/allow-proxy-certs.so allow-proxy-certs.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ssl.h>

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    SSL_CTX *(*real)(const SSL_METHOD *) = dlsym(RTLD_NEXT, "SSL_CTX_new");
    SSL_CTX *context = real(method);

    if (context)
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context),
                                    X509_V_FLAG_ALLOW_PROXY_CERTS);
    return context;
}
