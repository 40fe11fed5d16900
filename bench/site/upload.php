<?php
// SPDX-License-Identifier: MIT
$file = $_FILES['file'];
header('Content-Type: text/plain');
echo $_POST['title'], ': ', $file['error'], ' ', filesize($file['tmp_name']), " bytes\n";
