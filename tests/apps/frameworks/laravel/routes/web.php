<?php
/* SPDX-License-Identifier: MIT */

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

$hello = function (Request $request, string $name) {
    return response()->json([
        'name' => $name,
        'token' => $request->query('token'),
        'cookie' => $request->cookie('who'),
        'field' => $request->header('X-Token'),
        'text' => $request->post('text'),
    ])->cookie('seen', $name);
};
Route::get('/hello/{name}', $hello);
Route::post('/hello/{name}', $hello);
Route::post('/register', function (Request $request) {
    $rules = ['name' => 'required|min:3', 'email' => 'email', 'age' => 'integer|min:18'];
    return response()->json($request->validate($rules), 201);
});
Route::post('/upload', function (Request $request) {
    $file = $request->file('file');
    $sum = hash_file('sha256', $file->path());
    $name = $file->getClientOriginalName();
    $kept = $file->move(Boot::$folder . '/uploads', bin2hex(random_bytes(8)));
    return ['name' => $name, 'bytes' => $kept->getSize(), 'sha256' => $sum, 'note' => $request->post('note')];
});
Route::post('/login', function (Request $request) {
    $request->session()->regenerate(true);
    session(['user' => $request->post('user')]);
    return redirect('/visits');
});
Route::get('/visits', function () {
    session(['visits' => session('visits', 0) + 1]);
    return ['user' => session('user'), 'visits' => session('visits')];
});
Route::get('/stream', fn (Request $request) => response()->stream(function () use ($request) {
    echo "first {$request->query('key')}\n";
    flush();
    Boot::wait("gate-{$request->query('key')}");
    echo "last {$request->query('key')}\n";
}, 200, ['Content-Type' => 'text/plain']));
Route::get('/late', function () {
    app()->terminating(function () {
        $key = request()->query('key');
        Boot::wait("gate-$key");
        Boot::note("late-$key", $key);
    });
    return 'early answer';
});
Route::get('/throw', fn (Request $request) => throw new DomainException("secret of {$request->query('token')}"));
Route::get('/exit', function () {
    echo 'gone';
    exit;
});
Route::get('/form', fn () => view('form'));
Route::post('/form', function (Request $request) {
    $request->validate(['title' => 'required|min:5']);
    return "kept {$request->post('title')}";
});
/* What a request changes in the application belongs to it alone. */
Route::get('/change', function () {
    $before = [config('app.name'), app()->bound('of.the.request'), request() === app('request')];
    config(['app.name' => 'changed']);
    app()->instance('of.the.request', new stdClass());
    return $before;
});
