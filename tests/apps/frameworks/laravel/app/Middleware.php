<?php
/* SPDX-License-Identifier: MIT */

namespace App;

use Closure;
use Illuminate\Cookie\Middleware\EncryptCookies;
use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken;
use Illuminate\Http\Request;

/** Those that the tests read and write are not encrypted. */
final class Cookies extends EncryptCookies
{
    protected $except = ['who', 'seen'];
}

/** The form of Laravel's own tests has a token. */
final class Tokens extends VerifyCsrfToken
{
    protected $except = ['hello/*', 'register', 'upload', 'login'];
}

/** The fields by which the tests see what was booted when. */
final class Fields
{
    public function handle(Request $request, Closure $next)
    {
        $response = $next($request);
        $response->headers->add(\Boot::fields());
        return $response;
    }
}
