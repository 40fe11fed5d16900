<?php
// The loop without a look at FRANKENPHP_WORKER.
try {
    while (frankenphp_handle_request(function () {
        echo 'handled ', $_GET['n'];
    })) {
    }
} catch (RuntimeException $e) {
    echo get_class($e), ': ', $e->getMessage();
}
